import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type { KestraClient } from "../kestra/client.ts";
import type { ServerMonitor } from "../kestra/server.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import type { AnyObject } from "../kubernetes/objects.ts";
import type { DriftKind } from "./common.ts";
import type { DriftMonitor } from "./drift/monitor.ts";
import type { CachedResource, ResourceSettings } from "./model.ts";
import type { Claims } from "./ownership/claims.ts";

/** Objects as an informer keeps them. */
export interface Cache<T> {
  get(key: string): T | undefined;
  /** Takes in the answer to a write of our own, ahead of the watch. */
  learn(answer: AnyObject): void;
  /** Forgets what the API server does not have any more and was kept to be cleaned up. */
  forget(key: string): void;
}

/** What a decision about a resource rests on. */
export interface ReadingContext {
  kubernetes: Pick<KubernetesClient, "get">;
  kestra: KestraClient;
  server: Pick<ServerMonitor, "state">;
  /** Metadata only. */
  configMaps: Pick<Cache<Pick<AnyObject, "metadata">>, "get">;
  claims: Pick<Claims, "of" | "update">;
  drift: Pick<DriftMonitor, "mustLook">;
  settings: ResourceSettings;
  clock: Clock;
}

/** What reconciling resources of one kind reads from and writes to. */
export interface ResourceContext<R extends CachedResource = CachedResource> extends ReadingContext {
  kubernetes: KubernetesClient;
  server: ServerMonitor;
  /** All resources of the kind. */
  resources: Cache<R>;
  claims: Claims;
  drift: DriftMonitor;
  /** Told of every drift that was put right, for metrics. */
  onCorrected?: (drift: DriftKind) => void;
  logger: Logger;
}
