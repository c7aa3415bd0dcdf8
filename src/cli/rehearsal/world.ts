import type { KestraClient } from "../../kestra/client.ts";
import type { ServerInfo } from "../../kestra/types.ts";
import type { AnyObject } from "../../kubernetes/objects.ts";
import { systemClock } from "../../lib/clock.ts";
import type { KvReadingContext } from "../../resources/kv/observe.ts";
import type { ResourceSettings } from "../../resources/model.ts";
import { Claims } from "../../resources/ownership/claims.ts";
import type { References } from "./references.ts";

/** What every rehearsal asks: a Kestra, what resources refer to, and each other's claims. */
export type World = Omit<KvReadingContext, "kubernetes"> & { kubernetes: References };

const INSTANCE = "default";

/** Of no version that a status can have recorded: what is referred to is always read. */
const NEVER_SEEN = { metadata: { name: "", uid: "", resourceVersion: "" } } as const satisfies Partial<AnyObject>;

/**
 * The operator's view of a Kestra that answers.
 *
 * The settings of the operator are not known here: its namespace policy allows everything, and it serves the instance "default".
 */
export function worldOf(kestra: KestraClient, info: ServerInfo, references: References): World {
  const settings: ResourceSettings = {
    instance: INSTANCE,
    tenant: kestra.tenant,
    uiUrl: "",
    deletionPolicy: "Delete",
    driftIntervalMs: 60_000,
    stalledRetryMs: 600_000,
    refusal: () => undefined,
  };
  return {
    kubernetes: references,
    kestra,
    server: { state: { kind: "up", info } },
    configMaps: { get: () => NEVER_SEEN },
    secrets: { version: () => "" },
    claims: claimsOfOneKind(),
    drift: { mustLook: () => true },
    settings,
    clock: systemClock,
  };
}

/** Who wants what among the resources of one kind. */
export function claimsOfOneKind(): Claims {
  return new Claims(INSTANCE, () => undefined);
}
