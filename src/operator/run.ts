import { existsSync, readFileSync } from "node:fs";
import type { Logger } from "../lib/log.ts";
import { aborted, messageOf } from "../lib/async.ts";
import { systemClock } from "../lib/clock.ts";
import { KestraClient } from "../kestra/client.ts";
import { ServerMonitor } from "../kestra/server.ts";
import type { Credentials } from "../kestra/transport.ts";
import { KubernetesClient } from "../kubernetes/client.ts";
import { Lease } from "../kubernetes/lease.ts";
import { InvalidSettings, readNamedFile } from "./config.ts";
import type { Settings } from "./config.ts";
import { credentialsOf } from "./credentials.ts";
import { serveHealth } from "./health.ts";
import { releaseHeapWhenIdle } from "./idleHeap.ts";
import { createLogger } from "./logging.ts";
import { Metrics } from "./metrics.ts";
import { KestraflowOperator } from "./operator.ts";

const POD_NAMESPACE_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/**
 * Runs the operator until SIGTERM or SIGINT, or until something happens that waiting does not mend.
 *
 * Shutting down drains work under way, then hands the lease over, so that another replica writes only when this one does not any more.
 *
 * @returns the exit code: 0 after an orderly end
 */
export async function runOperator(settings: Settings): Promise<number> {
  const credentials = credentialsOf(settings, () => {
    server.suspect();
  });
  const logger = createLogger(settings.LOG_LEVEL, credentials);
  const metrics = new Metrics();
  const clock = systemClock;
  const stop = new AbortController();
  let exitCode = 0;
  const fail = (error: unknown, message: string): void => {
    logger.error({ err: error }, message);
    exitCode = 1;
    stop.abort();
  };
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.once(name, () => {
      logger.info({ signal: name }, "shutting down");
      stop.abort();
    });
  }
  for (const event of ["unhandledRejection", "uncaughtException"] as const) {
    process.on(event, (error) => {
      fail(error, "an error escaped; this is a defect of the operator");
    });
  }

  const connection = connectKubernetes(settings, metrics, logger);
  const lease = electionWanted(settings)
    ? leaseOf(settings, connection, logger, (signal) => void operator.work(signal))
    : undefined;
  const kubernetes = lease ? connection.withFence(lease.fence.bind(lease)) : connection;
  const { kestra, server } = connectKestra(settings, credentials, metrics, logger, lease?.fence.bind(lease));
  const operator = new KestraflowOperator({ settings, kubernetes, kestra, server, metrics, clock, logger });
  exposeState(metrics, server, lease);

  const health = await serveHealth({
    host: settings.HTTP_HOST,
    port: settings.HTTP_PORT,
    registry: metrics.registry,
    unhealthy: () => undefined,
    unready: () => (stop.signal.aborted ? "shutting down" : operator.problem),
  }).catch(unusable("HTTP_HOST, HTTP_PORT"));
  logger.info({ port: health.port, leaderElection: lease !== undefined }, "serving /healthz, /readyz and /metrics");

  const watching = server.run(stop.signal);
  void releaseHeapWhenIdle(stop.signal, { busy: () => operator.busy, clock });
  await operator.start();
  if (lease)
    lease.run().catch((error: unknown) => {
      fail(error, "leader election is not possible");
    });
  else void operator.work(new AbortController().signal);

  await aborted(stop.signal);
  const drained = await operator.drain(settings.SHUTDOWN_GRACE);
  if (!drained) logger.warn({ graceMs: settings.SHUTDOWN_GRACE }, "work under way was cut off");
  await lease?.stop();
  await operator.shutDown();
  await watching;
  await connection.close();
  await health.close();
  logger.info({ exitCode }, "stopped");
  return exitCode;
}

function connectKubernetes(settings: Settings, metrics: Metrics, logger: Logger): KubernetesClient {
  try {
    return KubernetesClient.connect({
      kubeconfig: settings.KUBECONFIG,
      context: settings.KUBE_CONTEXT,
      userAgent: "kestraflow-operator",
      onCall: ({ verb, resource, code }) => {
        metrics.kubernetesCalls.inc({ verb, resource, code: String(code) });
      },
      logger,
    });
  } catch (error) {
    return unusable("KUBECONFIG, KUBE_CONTEXT")(error);
  }
}

/** Turns what a value of these variables led to into an error of the configuration. */
function unusable(variables: string): (error: unknown) => never {
  return (error) => {
    throw new InvalidSettings(`${variables}: ${messageOf(error)}`);
  };
}

function connectKestra(
  settings: Settings,
  credentials: () => Credentials,
  metrics: Metrics,
  logger: Logger,
  fence: (() => void) | undefined,
): { kestra: KestraClient; server: ServerMonitor } {
  const kestra = new KestraClient({
    url: settings.KESTRA_URL,
    tenant: settings.KESTRA_TENANT,
    credentials,
    ca: settings.KESTRA_CA_FILE && readNamedFile("KESTRA_CA_FILE", settings.KESTRA_CA_FILE),
    connections: 2 * settings.CONCURRENCY,
    onCall: ({ operation, code, seconds }) => {
      metrics.kestraCalls.inc({ operation, code });
      metrics.kestraSeconds.observe({ operation }, seconds);
    },
    ...(fence ? { fence } : {}),
  });
  const server = new ServerMonitor({ client: kestra, clock: systemClock, logger, intervalMs: settings.DRIFT_INTERVAL });
  return { kestra, server };
}

function leaseOf(
  settings: Settings,
  client: KubernetesClient,
  logger: Logger,
  onAcquired: (signal: AbortSignal) => void,
): Lease {
  const namespace = settings.LEASE_NAMESPACE ?? podNamespace();
  if (namespace === undefined)
    throw new InvalidSettings("LEASE_NAMESPACE: is needed for leader election outside a cluster");
  const durationMs = settings.LEASE_DURATION;
  return new Lease({
    client,
    namespace,
    name: settings.LEASE_NAME,
    durationMs,
    renewDeadlineMs: (durationMs * 2) / 3,
    retryMs: (durationMs * 2) / 15,
    logger,
    onAcquired,
  });
}

function electionWanted({ LEADER_ELECTION }: Settings): boolean {
  return LEADER_ELECTION === "auto" ? podNamespace() !== undefined : LEADER_ELECTION === "true";
}

function podNamespace(): string | undefined {
  return existsSync(POD_NAMESPACE_FILE) ? readFileSync(POD_NAMESPACE_FILE, "utf8").trim() : undefined;
}

function exposeState(metrics: Metrics, server: ServerMonitor, lease: Lease | undefined): void {
  metrics.observe("kestraflow_leader", "1 while this replica may write.", () => Number(lease?.isLeader ?? true));
  metrics.observe("kestraflow_kestra_up", "1 while Kestra can be reached and lets us in.", () =>
    Number(server.state.kind === "up"),
  );
  metrics.observe("kestraflow_kestra_unauthorized", "1 while Kestra refuses the login.", () =>
    Number(server.state.kind === "unauthorized"),
  );
  metrics.observe(
    "kestraflow_kestra_last_contact_seconds",
    "Unix time of Kestra's last answer to the health check.",
    () => server.lastContact / 1000,
  );
}
