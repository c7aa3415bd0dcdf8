import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { Lane } from "./lane.ts";
import type { Deed } from "./lane.ts";

jest.setTimeout(600_000);

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

/**
 * The changes that are in every telling. Reports differ in number; and when an execution ends in the moment of a deletion, Kestra undoes it
 * (ADR 11), so that it is made again.
 */
function changes(): Deed[] {
  return reference.filter(({ name, nth }) => name !== "report" && (name !== "POST delete" || nth === 1));
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
