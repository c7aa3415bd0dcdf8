import type { Sandbox } from "./sandbox.ts";
import type { ProcessStatus, SandboxStatus } from "./status.ts";

/** What the user is told of a sandbox that came up in so many seconds. */
export function sandboxText(sandbox: Sandbox, seconds: number): string {
  const { name, kubeconfig, kubernetesUrl, kubernetesVersion, kestra } = sandbox;
  const lines = [`Sandbox ${name} is up (${seconds.toFixed(1)} s).`, ""];
  if (kubeconfig && kubernetesUrl)
    lines.push(
      `Kubernetes ${kubernetesVersion} at ${kubernetesUrl} (no nodes)`,
      `  export KUBECONFIG=${kubeconfig}`,
      "",
    );
  if (kestra) {
    lines.push(`${kestra.title} at ${kestra.url}`);
    if (kestra.username) lines.push(`  login: ${kestra.username} / ${loginPassword(kestra)}`);
    if (kestra.declaredTypes.length > 0)
      lines.push(
        "  Core tasks run. These plugin types are only declared: flows with them validate, their properties are not checked,",
        "  and running one fails and says that it needs the official image:",
        ...kestra.declaredTypes.map((type) => `    ${type}`),
      );
    lines.push("");
  }
  const suffix = name === "default" ? "" : ` --name ${name}`;
  return [...lines, `Take it down with: npm run sandbox -- down${suffix}`].join("\n");
}

/** The password of our own server is known to all; another's is not shown. */
function loginPassword(kestra: NonNullable<Sandbox["kestra"]>): string {
  return kestra.own ? kestra.password : "(KESTRA_PASSWORD)";
}

/** A block for each sandbox, a line for each process. */
export function statusText(sandboxes: SandboxStatus[]): string {
  if (sandboxes.length === 0) return "There is no sandbox. Bring one up with: npm run sandbox -- up";
  return sandboxes
    .map(({ name, kubernetes, kestra, processes }) =>
      [
        `Sandbox ${name}`,
        ...(kubernetes
          ? [`  Kubernetes at ${kubernetes.url ?? "(not started yet)"}, KUBECONFIG=${kubernetes.kubeconfig}`]
          : []),
        ...(kestra ? [`  ${kestra.title}${kestra.url === undefined ? "" : ` at ${kestra.url}`}`] : []),
        ...processes.map(processLine),
      ].join("\n"),
    )
    .join("\n\n");
}

function processLine({ name, condition, pid, memoryBytes, uptimeSeconds }: ProcessStatus): string {
  const facts = [
    pid === undefined ? "" : `pid ${pid}`,
    memoryBytes === undefined ? "" : `${Math.round(memoryBytes / 1024 ** 2)} MB`,
    uptimeSeconds === undefined ? "" : `up ${duration(uptimeSeconds)}`,
  ];
  return `    ${name.padEnd(24)} ${condition.padEnd(10)} ${facts.filter((fact) => fact !== "").join(", ")}`.trimEnd();
}

function duration(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
