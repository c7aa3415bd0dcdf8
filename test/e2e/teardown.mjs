import { down } from "../../sandbox/kind/kind.ts";

export default async function globalTeardown() {
  if (process.env.KESTRAFLOW_E2E_CLUSTER !== undefined || process.env.KESTRAFLOW_E2E === undefined) return;
  const { state } = JSON.parse(process.env.KESTRAFLOW_E2E);
  await down({ name: state.name, report: (line) => console.error(line) });
}
