// Brings up a kind cluster of its own for the run, empty but for the images: its tests install what they need. With
// KESTRAFLOW_E2E_CLUSTER that cluster is used, brought up if need be, and kept.
import { down, up } from "../../sandbox/kind/kind.ts";
import { kestraUrl, LOGIN } from "../../sandbox/kind/releases.ts";

const OWN = "kestraflow-e2e";

export default async function globalSetup() {
  const given = process.env.KESTRAFLOW_E2E_CLUSTER;
  const name = given ?? OWN;
  const report = (line) => console.error(line);
  // What a killed run left behind.
  if (given === undefined) await down({ name, report });
  try {
    const { state, images, kubeconfig } = await up({ name, until: "images", audit: true, report });
    Object.assign(process.env, {
      KUBECONFIG: kubeconfig,
      // By its address: another program may have the port of localhost's other one.
      KESTRA_URL: kestraUrl(state).replace("localhost", "127.0.0.1"),
      KESTRA_USERNAME: LOGIN.username,
      KESTRA_PASSWORD: LOGIN.password,
      KESTRAFLOW_E2E: JSON.stringify({ state, images }),
    });
  } catch (error) {
    if (given === undefined) await down({ name, report });
    throw error;
  }
}
