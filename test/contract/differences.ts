import type { Leniency } from "./compare.ts";

/** A difference: the place of the first one in the answer, and its reason. */
export interface Difference {
  at: string;
  reason: string;
}

const newerWords = { reason: "1.1.15, the engine here, words it otherwise than the recorded 1.1.0" };
const constraints: Difference = { at: "body[0].constraints", ...newerWords };
const message: Difference = { at: "body.message", ...newerWords };
const fromBulk: Difference = { at: "body", reason: "what is left there came from a bulk update, which is not served" };

/** Requests whose answers differ from the recorded ones, and why. The test fails when a listed difference is gone. */
export const differences: Record<string, Difference> = {
  "meta: no tenant in path": {
    at: "body.results[0]",
    reason: "the recording found flows that no recorded request made",
  },
  "flows: validate broken YAML": constraints,
  "flows: validate unknown plugin type": constraints,
  "flows: validate unknown properties": constraints,
  "flows: validate no tasks": constraints,
  "flows: validate bad id": constraints,
  "flows: create broken YAML": message,
  "flows: PUT invalid": message,
  "flows: what is left": fromBulk,
  "flows: what is left (2)": fromBulk,
};

const deletesOthers = "deletes the flows that it is not told about, so the operator must never call it";
const bulk = "bulk operations are nothing the operator calls";
const page = "a page of Kestra's user interface needs it, the operator does not";

/** Operations that the engine server leaves out, and why. They are not sent: on a real Kestra some of them delete flows. */
export const notServed: Record<string, string> = {
  "meta: secrets (EE)": page,
  "meta: secrets 2": page,
  "meta: openapi v1": "the description of a server that this one is not",
  "meta: basicAuthValidationErrors": page,
  "meta: namespaces search": page,
  "meta: plugins no tenant": page,
  "flows: create JSON body": "deprecated on 1.x and gone in 2.0; flows are sent as YAML",
  "flows: search source": page,
  "flows: export by-ids (zip)": bulk,
  "flows: import multi-doc yaml": bulk,
  "flows: import with bad plugin failOnError=true": bulk,
  "flows: bulk create 2 (all namespaces; default delete?)": deletesOthers,
  "flows: bulk delete=false: update b1, create b3": deletesOthers,
  "flows: bulk with one bad flow": deletesOthers,
  "flows: bulk delete=true namespace=probe.bulk": deletesOthers,
  "flows: namespace update POST /flows/{ns}?delete=true": deletesOthers,
  "flows: namespace update with other ns + override": deletesOthers,
  "flows: graph": page,
  "flows: dependencies": page,
  "kv: inheritance": page,
  "kv: bulk delete keys": bulk,
};

const unsorted = "without `sort` the order is undefined";
const shared = "asks across namespaces, and other tests' flows may be on the server";
const moment = "which slot has come depends on the moment of the request";

/** Requests whose answers depend on the moment or on others' objects: what is compared of them, and why no more. */
export const lenient: Record<string, Leniency & { reason: string }> = {
  "flows: search by namespace (legacy param)": { countsOnly: true, reason: unsorted },
  "flows: search filters[namespace][EQUALS]": { countsOnly: true, reason: unsorted },
  "flows: search PREFIX": { countsOnly: true, reason: unsorted },
  "flows: list by namespace endpoint": { anyOrder: true, reason: unsorted },
  "flows: distinct namespaces": { shapeOnly: true, reason: shared },
  "flows: size=10000": { shapeOnly: true, reason: shared },
  "flows: sort": { shapeOnly: true, reason: shared },
  "backfill: executions search": { anySlot: true, reason: unsorted },
  "backfill: pause": { anySlot: true, reason: moment },
  "backfill: state paused": { anySlot: true, reason: moment },
  "backfill: state paused + 2 s (currentDate moves?)": { anySlot: true, reason: moment },
  "backfill: pause (2)": { anySlot: true, reason: moment },
  "backfill: unpause": { anySlot: true, reason: moment },
  "backfill: state unpaused": { anySlot: true, reason: moment },
  "backfill: disable trigger while backfilling": { anySlot: true, reason: moment },
  "backfill: state": { anySlot: true, reason: moment },
  "backfill: state + 2 s": { anySlot: true, reason: moment },
  "backfill: delete backfill": { anySlot: true, reason: moment },
  "backfill: after delete": { anySlot: true, reason: moment },
  "backfill: create backfill on disabled trigger": { anySlot: true, reason: moment },
  "backfill: state (2)": { anySlot: true, reason: moment },
  "backfill: enable trigger": { anySlot: true, reason: moment },
};
