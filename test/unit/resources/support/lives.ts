import { expect } from "@jest/globals";
import type { Adoption, CommonStatus } from "../../../../src/resources/common.ts";
import type { CachedResource, Observed } from "../../../../src/resources/model.ts";
import { applyWrite } from "../../../../src/resources/reconciler.ts";
import type { Kind } from "../../../../src/resources/reconciler.ts";
import { Crash } from "./world.ts";
import type { World } from "./world.ts";

/** Lets a world come to rest; a crash is followed by another life. */
export async function live(
  world: Pick<World<never, { adoption: Adoption }, never>, "rest" | "restart" | "crashed">,
): Promise<void> {
  await world.rest().catch(tolerateCrash);
  if (!world.crashed) return;
  world.restart();
  await world.rest();
}

export function tolerateCrash(error: unknown): void {
  if (!(error instanceof Crash)) throw error;
}

/** Takes a resource from step to step until its decision settles: a step makes at most one external write, and reading makes none. */
export async function stepThrough<
  R extends CachedResource,
  O extends Observed<R>,
  Fact extends string,
  Write extends { op: string },
>(world: World<R, { adoption: Adoption }, CommonStatus>, kind: Kind<R, O, Fact, Write>, key: string): Promise<void> {
  const object = world.context.resources.get(key);
  if (object === undefined) return;
  const { signal } = new AbortController();
  const seen = kind.observe(object);
  world.actor = key;
  for (let step = 0; step < 24; step++) {
    const decision = kind.decide(seen, world.clock.now());
    const written = world.writes.length;
    if (decision.do === "settle") {
      expect(kind.decide(seen, world.clock.now())).toEqual(decision);
      return;
    }
    if (decision.do === "read") await kind.read(seen, decision.fact, signal);
    else await applyWrite(world.context, kind, seen, decision.write, signal);
    expect(world.writes.length - written).toBeLessThanOrEqual(decision.do === "read" ? 0 : 1);
  }
  throw new Error(`no verdict on ${key}`);
}
