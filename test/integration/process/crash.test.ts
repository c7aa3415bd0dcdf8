import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { TestNamespace } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { changesKestra, changesKubernetes, FaultProxy } from "../../support/faultProxy.ts";
import type { Exchange, Faults } from "../../support/faultProxy.ts";
import { TestKestra } from "../../support/kestra.ts";
import { OperatorProcess } from "../../support/operator.ts";
import { ANYTHING, apiServerOf, ServiceAccount } from "./access.ts";
import { birthsAndDeaths, Story } from "./story.ts";

/*
 * The story is told once without a fault, and the operator's changes in it are numbered. Then it is told again for each number: the
 * operator is killed at that change, and a new one goes on. Every step must end as it ended without a fault.
 */

jest.setTimeout(300_000);

/** What a crash may cost: changes that the new operator has to repeat, as it cannot know that they were carried out. */
const EXTRA_CHANGES = 4;

let cluster: TestNamespace;
let account: ServiceAccount;
let kubernetes: FaultProxy;
let kestra: FaultProxy;
let settings: Record<string, string>;
let operator: OperatorProcess;
let reference: Told;

/** What a telling of the story came to. */
interface Told {
  /** The state of the world after each step. */
  states: unknown[];
  /** All changes that the operator asked for. */
  changes: Exchange[];
  births: string[];
}

beforeAll(async () => {
  cluster = await TestNamespace.create("crash");
  account = await ServiceAccount.create(cluster, "operator");
  await account.grantEverywhere(ANYTHING);
  await account.waitAllowed("list", "kestraflows", cluster.name);
  kubernetes = await FaultProxy.before(apiServerOf(cluster));
  kestra = await FaultProxy.before({ url: process.env.KESTRA_URL ?? "" });
  settings = {
    KUBECONFIG: await account.kubeconfig({ url: kubernetes.url }),
    KESTRA_URL: kestra.url,
    // One after the other, so that a number means the same change each time.
    CONCURRENCY: "1",
  };
  await startOperator();
  reference = await tellUndisturbed();
});

afterAll(async () => {
  await operator.kill("SIGKILL");
  await Promise.all([kubernetes.close(), kestra.close()]);
  await account.remove();
  await cluster.destroy();
});

async function startOperator(): Promise<void> {
  operator = await OperatorProcess.start(cluster.name, { settings });
}

async function tellUndisturbed(): Promise<Told> {
  const story = new Story(cluster, new TestKestra());
  const states: unknown[] = [];
  await story.tell(async () => {
    states.push(await story.state());
  });
  return { states, ...traces(story) };
}

/** Tells the story with the operator killed at the change of this number. Throws unless it goes as the reference did. */
async function tellWithCrash(number: number, moment: keyof Faults): Promise<void> {
  const story = new Story(cluster, new TestKestra());
  const crash = crashAt(number, moment, story);
  try {
    let step = 0;
    await story.tell(async () => {
      const wanted = reference.states[step++];
      await eventually(async () => {
        expect(await story.state()).toEqual(wanted);
      });
    });
    await eventually(() => {
      expect(crash.happened).toBe(true);
    });
  } finally {
    kubernetes.heal();
    kestra.heal();
    await crash.recovered;
  }
  const { births, changes } = traces(story);
  expect(births).toEqual(reference.births);
  if (changes.length > reference.changes.length + EXTRA_CHANGES) throw new Error(changes.map(describe).join("\n"));
}

/** Makes the proxies kill the operator at the story's change of this number, and start another one. */
function crashAt(number: number, moment: keyof Faults, story: Story) {
  let count = 0;
  const crash = { happened: false, recovered: Promise.resolve() };
  const faults = (isChange: (exchange: Exchange) => boolean): Faults => ({
    [moment]: async (exchange: Exchange) => {
      if (!isChange(exchange) || !story.concerns(exchange) || wasCarriedOut(exchange)) return undefined;
      if (++count !== number) return undefined;
      await operator.kill("SIGKILL");
      crash.recovered = startOperator();
      crash.happened = true;
      return "cut";
    },
  });
  kubernetes.faults = faults(changesKubernetes);
  kestra.faults = faults(changesKestra);
  return crash;
}

/** A finalizer is removed twice where the news of the first time is slow: that changes nothing, and happens or not. */
function wasCarriedOut({ method, path, body, at }: Exchange): boolean {
  return [...kubernetes.log, ...kestra.log].some(
    (other) =>
      other.at < at && other.method === method && other.path === path && other.body === body && isSuccess(other),
  );
}

function isSuccess({ status = 0 }: Exchange): boolean {
  return status >= 200 && status <= 299;
}

function traces(story: Story): Pick<Told, "changes" | "births"> {
  const changes = [...kubernetes.log.filter(changesKubernetes), ...kestra.log.filter(changesKestra)];
  return {
    changes: changes.filter((change) => story.concerns(change)).toSorted((a, b) => a.at - b.at),
    births: birthsAndDeaths(kestra.log.filter((call) => story.concerns(call))),
  };
}

function describe({ method, path, status, body }: Exchange): string {
  return `${method} ${path} ${status ?? "unanswered"} ${body.replaceAll(/\s+/g, " ").slice(0, 300)}`;
}

test("without a fault each change is made once", () => {
  expect(reference.births).toEqual(["created early", "created late", "deleted early", "deleted late"]);
  expect(reference.changes.length).toBeGreaterThan(12);
  expect(reference.states.at(-1)).toEqual({ flows: [], resources: [] });
});

test.each([
  { moment: "before", when: "before a change is carried out" },
  { moment: "after", when: "after a change, before its answer" },
] as const)("killed $when, whichever it is, the operator ends where it would have", async ({ moment }) => {
  const failures: string[] = [];
  for (const [index, change] of reference.changes.filter((change) => !wasCarriedOut(change)).entries()) {
    await tellWithCrash(index + 1, moment).catch((error: unknown) => {
      failures.push(`killed ${moment} change ${index + 1}, ${describe(change)}: ${String(error)}`);
    });
  }
  expect(failures).toEqual([]);
});
