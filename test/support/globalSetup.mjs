// Brings up one sandbox for the test run and points the environment to it. A Kestra given by KESTRA_URL is used instead of the
// sandbox's, and with KESTRAFLOW_USE_CLUSTER set the cluster of KUBECONFIG instead of its Kubernetes.
import { down, kestraFromEnvironment, up } from "../../sandbox/sandbox.ts";

export default async function globalSetup() {
  const kube = process.env.KUBECONFIG && process.env.KESTRAFLOW_USE_CLUSTER ? false : undefined;
  const kestra = kestraFromEnvironment(process.env);
  if (kube === false && kestra) return;
  const name = `test-${process.pid}`;
  // Jest tears nothing down after a failed setup, nor when it is killed: hence the catch, and the tie.
  try {
    const sandbox = await up({ name, kube, kestra, tied: true, report: (line) => console.error(line) });
    Object.assign(process.env, sandbox.env);
  } catch (error) {
    await down(name);
    throw error;
  }
}
