import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../lib/log.ts";
import type { KestraClient } from "../../kestra/client.ts";
import type { ServerMonitor } from "../../kestra/server.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import type { AnyObject } from "../../kubernetes/objects.ts";
import type { CachedFlow } from "./cache.ts";
import type { Claims } from "./claims.ts";
import type { DriftMonitor } from "./drift.ts";
import type { FlowSettings } from "./model.ts";
import type { DriftKind } from "./schema.ts";

/** Objects as an informer keeps them. */
export interface Cache<T> {
  get(key: string): T | undefined;
  /** Takes in the answer to a write of our own, ahead of the watch. */
  learn(answer: AnyObject): void;
}

/** What reconciling flows reads from and writes to. */
export interface FlowContext {
  kubernetes: KubernetesClient;
  kestra: KestraClient;
  server: ServerMonitor;
  flows: Cache<CachedFlow>;
  /** Metadata only. */
  configMaps: Pick<Cache<Pick<AnyObject, "metadata">>, "get">;
  claims: Claims;
  drift: DriftMonitor;
  settings: FlowSettings;
  /** Told of every drift that was put right, for metrics. */
  onCorrected?: (drift: DriftKind) => void;
  clock: Clock;
  logger: Logger;
}
