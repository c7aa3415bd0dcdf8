import { expect } from "@jest/globals";
import { TestNamespace, uniqueName } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { changesKestra, changesKubernetes, FaultProxy } from "../../support/faultProxy.ts";
import type { Exchange, Faults } from "../../support/faultProxy.ts";
import { TestKestra } from "../../support/kestra.ts";
import { OperatorProcess } from "../../support/operator.ts";
import { ANYTHING, apiServerOf, ServiceAccount } from "../process/access.ts";
import { HOURLY, scheduledFlow, slotOf, waitScheduled } from "./scene.ts";

const WITHIN = { within: 90_000 };

/** A change that the operator asks for: what it is, and the how manieth of its sort. */
export interface Deed {
  name: string;
  nth: number;
}

/**
 * A place of its own for tellings of one story: the life of a Backfill that is started, suspended, resumed, completed and deleted. Several
 * lanes tell it side by side, as Kestra takes a second for each slot.
 */
export class Lane {
  readonly #kestraApi = new TestKestra();
  #cluster!: TestNamespace;
  #account!: ServiceAccount;
  #kubernetes!: FaultProxy;
  #kestra!: FaultProxy;
  #settings!: Record<string, string>;
  #operator!: OperatorProcess;

  static async open(): Promise<Lane> {
    const lane = new Lane();
    lane.#cluster = await TestNamespace.create("bf-crash");
    lane.#account = await ServiceAccount.create(lane.#cluster, "operator");
    await lane.#account.grantEverywhere(ANYTHING);
    await lane.#account.waitAllowed("list", "backfills", lane.#cluster.name);
    lane.#kubernetes = await FaultProxy.before(apiServerOf(lane.#cluster));
    lane.#kestra = await FaultProxy.before({ url: process.env.KESTRA_URL ?? "" });
    lane.#settings = {
      KUBECONFIG: await lane.#account.kubeconfig({ url: lane.#kubernetes.url }),
      KESTRA_URL: lane.#kestra.url,
    };
    await lane.#startOperator();
    return lane;
  }

  async close(): Promise<void> {
    await this.#operator.kill("SIGKILL");
    await Promise.all([this.#kubernetes.close(), this.#kestra.close()]);
    await this.#account.remove();
    await this.#cluster.destroy();
  }

  /**
   * Tells the story, with the operator killed at one change: before it is carried out, or after it and before its answer.
   *
   * @returns the changes that were asked for, in their order
   * @throws when anything in the end is not as it must be
   */
  async tell(crash?: { at: Deed; moment: keyof Faults }): Promise<Deed[]> {
    const id = uniqueName("life");
    const namespace = this.#cluster.name;
    await this.#kestraApi.create(scheduledFlow(namespace, id, HOURLY));
    const { nextExecutionDate: next } = await waitScheduled(this.#kestraApi, [namespace, id, "tick"]);
    const deeds: Deed[] = [];
    const kill = this.#watchChanges(id, deeds, crash);
    try {
      await this.#live(namespace, id, next);
      if (crash) expect(kill.happened).toBe(true);
    } finally {
      this.#kubernetes.heal();
      this.#kestra.heal();
      await kill.recovered;
    }
    return deeds;
  }

  async #live(namespace: string, id: string, next: string): Promise<void> {
    const { backfills } = this.#cluster;
    const started = async (count: number) => {
      await eventually(async () => {
        expect((await this.#slots(namespace, id)).length).toBeGreaterThanOrEqual(count);
      }, WITHIN);
    };
    await backfills.create(id, {
      target: { namespace, id },
      start: "2024-01-01T00:00:00Z",
      end: "2024-01-01T04:00:00Z",
    });
    await started(1);
    await backfills.patchSpec(id, { suspend: true });
    await backfills.waitUntil(id, ({ status }) => status?.state === "Suspended", WITHIN);
    await backfills.patchSpec(id, { suspend: false });
    const { status } = await backfills.waitUntil(id, ({ status }) => status?.finishedAt !== undefined, WITHIN);
    expect(status).toMatchObject({ state: "Complete", slots: { total: 5, done: 5, failed: 0, unproved: 0 } });
    // Each slot once, in order.
    expect(await this.#slots(namespace, id)).toEqual([0, 1, 2, 3, 4].map((hour) => `2024-01-01T0${hour}:00:00Z`));
    await backfills.delete(id);
    await backfills.waitGone(id, WITHIN);
    const row = await this.#kestraApi.trigger(namespace, id, "tick");
    expect({ backfill: row?.backfill, next: row?.nextExecutionDate }).toEqual({ next });
    expect(await this.#slots(namespace, id)).toHaveLength(5);
    await this.#kestraApi.delete(namespace, id);
  }

  async #slots(namespace: string, id: string): Promise<string[]> {
    return (await this.#kestraApi.executions(namespace, id)).map(slotOf);
  }

  async #startOperator(): Promise<void> {
    this.#operator = await OperatorProcess.start(this.#cluster.name, { settings: this.#settings });
  }

  /** Notes every change about this Backfill, and kills the operator at one of them. */
  #watchChanges(id: string, deeds: Deed[], crash: { at: Deed; moment: keyof Faults } | undefined) {
    const kill = { happened: false, recovered: Promise.resolve() };
    const numbered = new Map<Exchange, Deed>();
    const deedOf = (exchange: Exchange): Deed => {
      const name = nameOf(exchange);
      const deed = { name, nth: 1 + deeds.filter((other) => other.name === name).length };
      deeds.push(deed);
      numbered.set(exchange, deed);
      return deed;
    };
    const faults = (isChange: (exchange: Exchange) => boolean): Faults => {
      const at = (moment: keyof Faults) => async (exchange: Exchange) => {
        if (!isChange(exchange) || !`${exchange.path} ${exchange.body}`.includes(id)) return undefined;
        const deed = numbered.get(exchange) ?? deedOf(exchange);
        const meant = crash?.moment === moment && crash.at.name === deed.name && crash.at.nth === deed.nth;
        if (!meant || kill.happened) return undefined;
        kill.happened = true;
        await this.#operator.kill("SIGKILL");
        kill.recovered = this.#startOperator();
        return "cut" as const;
      };
      return { before: at("before"), after: at("after") };
    };
    this.#kubernetes.faults = faults(changesKubernetes);
    this.#kestra.faults = faults(changesKestra);
    return kill;
  }
}

/** What a change is about, so that it can be found in another telling, in which looks fall on other moments. */
function nameOf({ method, path, body }: Exchange): string {
  const { backfill, metadata, status } = JSON.parse(body) as {
    backfill?: object;
    metadata?: { finalizers?: string[] };
    status?: Record<string, unknown> & { submission?: Record<string, unknown> | null };
  };
  if (path.includes("/triggers")) return backfill ? "submit" : `${method} ${path.split("/").at(-1) ?? ""}`;
  if (metadata?.finalizers) return metadata.finalizers.length > 0 ? "hold" : "release";
  const { submission, target, finishedAt } = status ?? {};
  if (target) return "record acceptance";
  if (finishedAt) return "record the end";
  if (submission === null) return "record what is left";
  if (submission === undefined) return "report";
  return `record ${Object.keys(submission).sort().join(" ")}`;
}
