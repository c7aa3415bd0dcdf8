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

test("without a fault, everything is recorded before it is done", () => {
  const names = reference.map(({ name }) => name).filter((name) => name !== "report");
  expect(names).toEqual([
    "record acceptance",
    "hold",
    "record first intendedAt last live revision",
    "submit",
    "record submittedAt",
    "record withdrawn",
    "POST delete",
    "record what is left",
    "record first intendedAt last live revision",
    "submit",
    "record submittedAt",
    "record what is left",
    "record the end",
    "release",
  ]);
});

test("killed before or after any of its changes, every slot is run exactly once in the end", async () => {
  // Reports differ in number from telling to telling; the first is always there.
  const deeds = reference.filter(({ name, nth }) => name !== "report" || nth === 1);
  const jobs = deeds.flatMap((at) => (["before", "after"] as const).map((moment) => ({ at, moment })));
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
