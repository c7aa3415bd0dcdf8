import type { FlowSettings } from "../../../../../src/resources/flow/model.ts";

export const settings: FlowSettings = {
  instance: "default",
  tenant: "main",
  uiUrl: "http://kestra",
  deletionPolicy: "Delete",
  driftIntervalMs: 60_000,
  stalledRetryMs: 600_000,
  refusal: () => undefined,
};
