import { afterAll, describe, expect, test } from "@jest/globals";
import { flowSource } from "../../support/flowSource.ts";
import { kubectl } from "../../support/cluster.ts";
import { ExportScene, filesOf } from "./exportScene.ts";
import type { Entry } from "./exportScene.ts";

const FLOWS = 300;
const ENTRIES = 60;

/** Every type of value, with description and time to live here and there. */
const ENTRY_KINDS: Omit<Entry, "key">[] = [
  { ion: '"plain text"' },
  { ion: '"several\\nlines\\n  indented\\n"' },
  { ion: '"unicode é 😀 \\t"', headers: { description: "What it is for" } },
  { ion: "42" },
  { ion: "12345678901234567890.123456789012345678" },
  { ion: "1.5e-7" },
  { ion: "true" },
  { ion: "2024-05-01T01:02:03Z" },
  { ion: "2024-05-01" },
  { ion: '"PT1H30M"', headers: { ttl: "P3DT4H" } },
  { ion: '{"a":[1,2.5,null],"b":{"c":"2024-05-01"},"n":123456789012345678901}' },
  { ion: "null" },
  { ion: '""' },
  { ion: '"2024-05-01"', headers: { ttl: "PT2H", description: "yes" } },
  { ion: "[]" },
];

const scene = new ExportScene("cliround");

describe("what is exported", () => {
  afterAll(() => scene.forget(), 180_000);
  const ids = Array.from({ length: FLOWS }, (_, index) => (index % 3 === 0 ? `Flow.${index}_v` : `flow-${index}`));
  const entries = Array.from({ length: ENTRIES }, (_, index): Entry => {
    return { key: index % 2 ? `KEY_${index}` : `key.${index}`, ion: "1", ...ENTRY_KINDS[index % ENTRY_KINDS.length] };
  });

  test("adopts everything when it is applied, and writes nothing to Kestra", async () => {
    const half = FLOWS / 2;
    await scene.seedFlows(ids.map((id, index) => flowSource(index < half ? scene.namespace : scene.other, id)));
    await scene.seedEntries(scene.namespace, entries.slice(0, ENTRIES / 2));
    await scene.seedEntries(scene.other, entries.slice(ENTRIES / 2));
    const before = await scene.versions();
    expect(Object.keys(before)).toHaveLength(FLOWS + ENTRIES);

    const { code, stderr, folder } = await scene.export("first");
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `${folder}: 363 files written, 0 unchanged.\nKestraFlow: 300, KestraKV: 60.\n`,
    });
    await scene.apply(folder);
    await scene.allReady(FLOWS, ENTRIES);

    expect(await scene.versions()).toEqual(before);
    expect(await scene.operator.kestraWrites()).toBe(await creationsRefused());
  }, 300_000);

  test("is the same, to the last character, when it is exported again", async () => {
    const { code, folder } = await scene.export("second");
    expect(code).toBe(0);
    expect(filesOf(folder)).toEqual(filesOf(`${scene.folder}/first`));
  }, 120_000);

  test("is left as it is when it is exported over itself", async () => {
    const { code, stderr } = await scene.export("first");
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toContain("0 files written, 363 unchanged");
  }, 120_000);

  test("stays as it was when what is edited there would be overwritten", async () => {
    // It would put right at once what is edited.
    await scene.stopOperator();
    const [first] = (await scene.kestra.flows(scene.namespace)).map(({ id }) => id);
    await scene.kestra.edit(scene.namespace, first ?? "", flowSource(scene.namespace, first ?? "", "edited"));
    const before = filesOf(`${scene.folder}/first`);
    const refused = await scene.export("first");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("1 file with other content");
    expect(filesOf(refused.folder)).toEqual(before);
    const forced = await scene.export("first", "--force");
    expect(forced.stderr).toContain("1 files written, 362 unchanged");
  }, 120_000);

  test("is read by kubectl as it was meant", async () => {
    const folder = `${scene.folder}/second`;
    const stream = await kubectl(["kustomize", folder]);
    expect(stream.match(/^kind: KestraFlow$/gm)).toHaveLength(FLOWS);
  });
});

/** A flow is tried to be created before it is seen to exist: such a call changes nothing. */
async function creationsRefused(): Promise<number> {
  return scene.operator.metric("kestraflow_kestra_calls_total", { operation: "createFlow", code: "422" });
}
