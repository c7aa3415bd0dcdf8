import { afterAll, beforeAll, expect, jest } from "@jest/globals";
import { TestNamespace } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { changesKestra, changesKubernetes, FaultProxy } from "../../support/faultProxy.ts";
import type { Exchange, Faults } from "../../support/faultProxy.ts";
import { OperatorProcess } from "../../support/operator.ts";
import { ANYTHING, apiServerOf, ServiceAccount } from "./access.ts";

/** What a crash may cost: changes that the new operator has to repeat, as it cannot know that they were carried out. */
const EXTRA_CHANGES = 4;

/** One telling of the life of resources, under names that no other telling has. */
export interface Story {
  /** Whether a request is part of this telling. */
  concerns: (exchange: Exchange) => boolean;
  /** @param onStep called when a step has come to its end, as far as its user can see */
  tell: (onStep: () => Promise<void>) => Promise<void>;
  /** What Kestra and Kubernetes hold, without what differs from one telling to the next. */
  state: () => Promise<unknown>;
  /** What these calls to Kestra did there, in their order, without what a repeat after a crash does not change. */
  deeds: (calls: readonly Exchange[]) => string[];
}

/** What a telling of a story came to. */
export interface Told {
  /** The state of the world after each step. */
  states: unknown[];
  /** All changes that the operator asked for. */
  changes: Exchange[];
  deeds: string[];
}

/**
 * A story is told once without a fault, and the operator's changes in it are numbered. Then it is told again for each number: the
 * operator is killed at that change, and a new one goes on. Every step must end as it ended without a fault.
 */
export class Crashes {
  readonly #storyIn: (cluster: TestNamespace) => Story;
  #cluster!: TestNamespace;
  #account!: ServiceAccount;
  #kubernetes!: FaultProxy;
  #kestra!: FaultProxy;
  #settings!: Record<string, string>;
  #operator!: OperatorProcess;
  #reference!: Told;

  /** Told without a fault before the first test of the file; everything is removed after the last. */
  constructor(topic: string, storyIn: (cluster: TestNamespace) => Story) {
    this.#storyIn = storyIn;
    jest.setTimeout(900_000);
    beforeAll(async () => {
      this.#cluster = await TestNamespace.create(topic);
      this.#account = await ServiceAccount.create(this.#cluster, "operator");
      await this.#account.grantEverywhere(ANYTHING);
      await this.#account.waitAllowed("list", "kestraflows", this.#cluster.name);
      this.#kubernetes = await FaultProxy.before(apiServerOf(this.#cluster));
      this.#kestra = await FaultProxy.before({ url: process.env.KESTRA_URL ?? "" });
      this.#settings = {
        KUBECONFIG: await this.#account.kubeconfig({ url: this.#kubernetes.url }),
        KESTRA_URL: this.#kestra.url,
        // One after the other, so that a number means the same change each time.
        CONCURRENCY: "1",
      };
      await this.#startOperator();
      this.#reference = await this.#tellUndisturbed();
    });
    afterAll(async () => {
      await this.#operator.kill("SIGKILL");
      await Promise.all([this.#kubernetes.close(), this.#kestra.close()]);
      await this.#account.remove();
      await this.#cluster.destroy();
    });
  }

  /** The telling without a fault. */
  get reference(): Told {
    return this.#reference;
  }

  /** Tells the story with a crash at each of its changes in turn, and returns what went otherwise than without. */
  async tellWithEveryCrash(moment: keyof Faults): Promise<string[]> {
    const failures: string[] = [];
    const changes = this.#reference.changes.filter((change) => !this.#wasCarriedOut(change));
    for (const [index, change] of changes.entries()) {
      await this.#tellWithCrash(index + 1, moment).catch((error: unknown) => {
        failures.push(`killed ${moment} change ${index + 1}, ${describe(change)}: ${String(error)}`);
      });
    }
    return failures;
  }

  async #startOperator(): Promise<void> {
    this.#operator = await OperatorProcess.start(this.#cluster.name, { settings: this.#settings });
  }

  async #tellUndisturbed(): Promise<Told> {
    const story = this.#storyIn(this.#cluster);
    const states: unknown[] = [];
    await story.tell(async () => {
      states.push(await story.state());
    });
    return { states, ...this.#traces(story) };
  }

  /** Tells the story with the operator killed at the change of this number. Throws unless it goes as the reference did. */
  async #tellWithCrash(number: number, moment: keyof Faults): Promise<void> {
    const story = this.#storyIn(this.#cluster);
    const crash = this.#crashAt(number, moment, story);
    try {
      let step = 0;
      await story.tell(async () => {
        const wanted = this.#reference.states[step++];
        await eventually(async () => {
          expect(await story.state()).toEqual(wanted);
        });
      });
      await eventually(() => {
        expect(crash.happened).toBe(true);
      });
    } finally {
      this.#kubernetes.heal();
      this.#kestra.heal();
      await crash.recovered;
    }
    const { deeds, changes } = this.#traces(story);
    expect(deeds).toEqual(this.#reference.deeds);
    if (changes.length > this.#reference.changes.length + EXTRA_CHANGES)
      throw new Error(changes.map(describe).join("\n"));
  }

  /** Makes the proxies kill the operator at the story's change of this number, and start another one. */
  #crashAt(number: number, moment: keyof Faults, story: Story) {
    let count = 0;
    const crash = { happened: false, recovered: Promise.resolve() };
    const faults = (isChange: (exchange: Exchange) => boolean): Faults => ({
      [moment]: async (exchange: Exchange) => {
        if (!isChange(exchange) || !story.concerns(exchange) || this.#wasCarriedOut(exchange)) return undefined;
        if (++count !== number) return undefined;
        await this.#operator.kill("SIGKILL");
        crash.recovered = this.#startOperator();
        crash.happened = true;
        return "cut";
      },
    });
    this.#kubernetes.faults = faults(changesKubernetes);
    this.#kestra.faults = faults(changesKestra);
    return crash;
  }

  /** A finalizer is removed twice where the news of the first time is slow: that changes nothing, and happens or not. */
  #wasCarriedOut({ method, path, body, at }: Exchange): boolean {
    return [...this.#kubernetes.log, ...this.#kestra.log].some(
      (other) =>
        other.at < at && other.method === method && other.path === path && other.body === body && isSuccess(other),
    );
  }

  #traces(story: Story): Pick<Told, "changes" | "deeds"> {
    const changes = [...this.#kubernetes.log.filter(changesKubernetes), ...this.#kestra.log.filter(changesKestra)];
    return {
      changes: changes.filter((change) => story.concerns(change)).toSorted((a, b) => a.at - b.at),
      deeds: story.deeds(this.#kestra.log.filter((call) => isSuccess(call) && story.concerns(call))),
    };
  }
}

function isSuccess({ status = 0 }: Exchange): boolean {
  return status >= 200 && status <= 299;
}

function describe({ method, path, status, body }: Exchange): string {
  return `${method} ${path} ${status ?? "unanswered"} ${body.replaceAll(/\s+/g, " ").slice(0, 300)}`;
}
