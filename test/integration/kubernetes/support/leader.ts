// A replica that writes its name into a ConfigMap as fast as it can while it leads. Says on stdout what happens to it.
import { setTimeout as pause } from "node:timers/promises";
import { KubernetesClient } from "../../../../src/kubernetes/client.ts";
import { Lease } from "../../../../src/kubernetes/lease.ts";
import { coreTypes } from "../../../../src/kubernetes/objects.ts";
import { messageOf } from "../../../../src/lib/async.ts";
import { silentLogger } from "../../../../src/lib/log.ts";

const [, , identity = "", name = "", seconds = ""] = process.argv;
const target = { namespace: "default", name };
const client = KubernetesClient.connect({ logger: silentLogger });
const lease = new Lease({
  client,
  ...target,
  identity,
  durationMs: Number(seconds) * 1_000,
  renewDeadlineMs: Number(seconds) * 700,
  retryMs: 400,
  logger: silentLogger,
  onAcquired: (signal) => {
    say("acquired");
    void write(signal);
  },
  onLost: () => {
    say("lost");
  },
});
const fenced = client.withFence(() => {
  lease.fence();
});

process.on("SIGTERM", () => {
  void lease.stop().then(() => client.close());
});
// Between two turns of the event loop, unlike a SIGSTOP from outside, which can fall between asking the fence and the write to
// the socket: tens of microseconds that no client can close, and that `Lease` states as its assumption.
process.on("SIGUSR2", () => process.kill(process.pid, "SIGSTOP"));
lease.run().catch((error: unknown) => {
  say(`failed ${messageOf(error)}`);
  process.exit(1);
});

async function write(signal: AbortSignal): Promise<void> {
  for (let count = 0; !signal.aborted; count++) {
    try {
      await fenced.mergePatch(coreTypes.configMap, target, { data: { writer: identity, count: String(count) } });
      if (count === 0) say("wrote");
    } catch (error) {
      say(`refused ${messageOf(error)}`);
    }
    await pause(1);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
