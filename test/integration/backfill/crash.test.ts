import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { Lane } from "./lane.ts";
import type { Deed } from "./lane.ts";

jest.setTimeout(900_000);

/** More would make each other slow on two cores. */
const LANES = 4;

const lanes: Lane[] = [];
let reference: Deed[] = [];

beforeAll(async () => {
  for (let i = 0; i < LANES; i += 1) lanes.push(await Lane.open());
  const [first] = lanes;
  reference = (await first?.tell()) ?? [];
});

afterAll(async () => {
  for (const lane of lanes) await lane.close();
});

/** Made again when Kestra undoes the deletion, as it does when an execution ends in its moment (ADR 11); recorded again when it took long. */
const REPEATED = ["record withdrawn", "POST delete"];
/** Reports differ in number; and that the backfill has vanished is recorded where the list lacks the last execution when it has ended. */
const NOT_ALWAYS = ["report", "record vanished"];

/** The changes that are in every telling. */
function changes(): Deed[] {
  return reference.filter(({ name, nth }) => !NOT_ALWAYS.includes(name) && (!REPEATED.includes(name) || nth === 1));
}

test("without a fault, everything is recorded before it is done", () => {
  const names = changes().map(({ name }) => name);
  expect(names).toEqual([
    "record acceptance",
    "hold",
    "record definition first intendedAt last live revision",
    "submit",
    "record submittedAt",
    "record withdrawn",
    "POST delete",
    "record what is left",
    "record definition first intendedAt last live revision",
    "submit",
    "record submittedAt",
    "record what is left",
    "record the end",
    "release",
  ]);
});

test("killed before or after any of its changes, every slot is run exactly once in the end", async () => {
  const jobs = [...changes(), { name: "report", nth: 1 }].flatMap((at) =>
    (["before", "after"] as const).map((moment) => ({ at, moment })),
  );
  expect(jobs.length).toBeGreaterThanOrEqual(28);
  const failures: string[] = [];
  await Promise.all(
    lanes.map(async (lane) => {
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
        const { at, moment } = job;
        await lane.tell(job).catch((error: unknown) => {
          failures.push(`killed ${moment} "${at.name}" (${at.nth}): ${String(error)}`);
        });
      }
    }),
  );
  expect(failures).toEqual([]);
});
