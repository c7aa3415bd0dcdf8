import type { KestraFlow } from "../../src/resources/flow/schema.ts";
import type { BackfillOutcome } from "./outcome.ts";
import type { World } from "./world.ts";

const MEANING_FROM = 42;

/** What was shown so far. */
export interface Shown {
  /** Arguments of kubectl that name all manifests. */
  manifests: string[];
  /** One of the flows. */
  example: KestraFlow;
  backfills: BackfillOutcome[];
}

/** Prints what a person can do now that all runs, to one of the flows for example. */
export function showNext(
  { kubeconfig, kestra, kestraTitle, hasPages, login: { username, password }, followLog, screen }: World,
  { manifests, example, backfills }: Shown,
): void {
  const { name } = example.metadata;
  const path = `${example.status?.flow?.namespace}/${example.status?.flow?.id}`;
  const login = `${username}:${password}`;
  const api = `${kestra.url}/api/v1/main`;
  const command = (text: string, meaning?: string) =>
    screen.line(
      meaning === undefined
        ? `  ${screen.paint("cyan", text)}`
        : `  ${screen.paint("cyan", text.padEnd(MEANING_FROM))} ${screen.paint("dim", meaning)}`,
    );
  screen.title("Try next, in another terminal");
  command(`export KUBECONFIG=${kubeconfig}`);
  command("kubectl get kestra", "all resources: are they good, and if not why");
  command(`kubectl describe kestraflow ${name}`, "conditions and events of one");
  command(`kubectl edit kestraflow ${name}`, "change it, and see its revision grow");
  command(`kubectl delete ${manifests.join(" ")}`, "what they made in the engine goes too");
  command(`kubectl apply ${manifests.join(" ")}`, "and comes back");
  const [backfill] = backfills;
  const suspended = backfills.find(({ state }) => state === "Suspended");
  if (backfill) {
    command("kubectl get bf -w", "all backfills, as they go on");
    command(`kubectl describe bf ${(suspended ?? backfill).name}`, "what it runs, or would run, and its counts");
  }
  if (suspended) {
    const patch = `--type merge -p '{"spec":{"suspend":false}}'`;
    command(`kubectl patch bf ${suspended.name} ${patch}`, "start it");
  }
  screen.line();
  screen.line(hasPages ? `${kestraTitle}: ${kestra.url}` : `${kestraTitle} has an API and no web pages.`);
  screen.line(`Login: ${username} / ${password}`);
  command(`curl -u '${login}' '${api}/flows/${path}?source=true'`);
  command(`curl -u '${login}' -F name=You '${api}/executions/${path}'`);
  screen.line();
  screen.line("What the operator does:");
  command(followLog);
  screen.line();
  screen.line("Ctrl-C ends everything and leaves nothing behind.");
}
