import { expect, test } from "@jest/globals";
import { BackfillScene } from "./scene.ts";

const scene = new BackfillScene("bf-real");

interface Run {
  cron: string;
  zone: string;
  withSeconds?: boolean;
  start: string;
  end: string;
}

/** Around changes of the clocks, ends of months and leap days; one to six slots each. */
const RUNS: Run[] = [
  { cron: "30 2 * * *", zone: "Europe/Paris", start: "2024-03-30", end: "2024-04-01" },
  { cron: "30 2 * * *", zone: "Europe/Paris", start: "2024-10-26", end: "2024-10-28" },
  { cron: "0 * * * *", zone: "Europe/Paris", start: "2024-10-27T00:00:00Z", end: "2024-10-27T03:00:00Z" },
  { cron: "0 * * * *", zone: "Europe/Paris", start: "2024-03-31T00:00:00Z", end: "2024-03-31T03:00:00Z" },
  { cron: "30 1 * * *", zone: "America/New_York", start: "2023-11-04", end: "2023-11-06" },
  { cron: "*/30 1 * * *", zone: "America/New_York", start: "2023-11-05T04:00:00Z", end: "2023-11-05T08:00:00Z" },
  { cron: "15 2 * * *", zone: "America/New_York", start: "2024-03-09", end: "2024-03-11" },
  { cron: "0 0 * * *", zone: "America/Santiago", start: "2023-09-02", end: "2023-09-04" },
  { cron: "0 0 1 * *", zone: "America/Asuncion", start: "2017-09-15", end: "2017-12-15" },
  { cron: "0 2 * * *", zone: "Australia/Lord_Howe", start: "2024-04-06", end: "2024-04-08" },
  { cron: "30 2 * * *", zone: "Australia/Lord_Howe", start: "2023-09-30", end: "2023-10-02" },
  { cron: "45 5 * * *", zone: "Asia/Kathmandu", start: "2024-02-28", end: "2024-03-01" },
  { cron: "0 0 * * *", zone: "Pacific/Apia", start: "2011-12-28", end: "2012-01-01" },
  { cron: "0 9 1 * *", zone: "UTC", start: "2019-01-01", end: "2019-04-30" },
  { cron: "0 12 29 2 *", zone: "UTC", start: "2012-01-01", end: "2024-12-31" },
  { cron: "0 0 31 * *", zone: "UTC", start: "2023-01-01", end: "2023-06-30" },
  { cron: "0 6 13 * FRI", zone: "UTC", start: "2023-10-10", end: "2023-10-21" },
  { cron: "0 8 * * 7", zone: "Asia/Kolkata", start: "2024-01-01", end: "2024-01-28" },
  { cron: "@daily", zone: "America/St_Johns", start: "2024-11-02", end: "2024-11-04" },
  { cron: "5/20 3 * * MON-WED", zone: "UTC", start: "2024-05-06", end: "2024-05-07" },
  {
    cron: "*/15 59 23 31 12 *",
    withSeconds: true,
    zone: "UTC",
    start: "2023-12-31T00:00:00Z",
    end: "2024-01-01T00:00:00Z",
  },
  { cron: "30 0 10 * * 1", withSeconds: true, zone: "Africa/Cairo", start: "2024-04-20", end: "2024-05-07" },
];

test("what Kestra runs is what was counted before, in crons and zones of all sorts", async () => {
  await Promise.all(
    RUNS.map(async ({ cron, zone, withSeconds }, index) => {
      const more = withSeconds ? "\nwithSeconds: true" : "";
      await scene.flow(`run-${index}`, cron, { trigger: `timezone: "${zone}"${more}` });
    }),
  );
  await Promise.all(RUNS.map(async ({ start, end }, index) => scene.create(`run-${index}`, { start, end })));
  const differences: string[] = [];
  for (const [index, run] of RUNS.entries()) {
    const status = await scene.waitState(`run-${index}`, "Complete", { within: 120_000 });
    const slots = await scene.slots(`run-${index}`);
    const expected = status.slots?.total ?? 0;
    if (slots.length !== expected || new Set(slots).size !== expected || expected < 1)
      differences.push(`${JSON.stringify(run)}: counted ${expected}, Kestra ran ${slots.join(", ")}`);
    expect([status.first, status.last]).toEqual([slots[0], slots.at(-1)].map((slot) => slot?.replace("Z", ".000Z")));
  }
  expect(differences).toEqual([]);
});
