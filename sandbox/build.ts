// Builds one half of the sandbox, as a process of its own: `up` records it like a server, so that `down` can end it with all
// its children after `up` was killed. Usage: node sandbox/build.ts kubernetes|engine LINE
import { buildEngine } from "./kestra/engine.ts";
import { cacheFolder } from "./folders.ts";
import { buildKubernetes } from "./kubernetes/build.ts";

const [what, line = ""] = process.argv.slice(2);
const build = what === "kubernetes" ? buildKubernetes : buildEngine;
try {
  await build({ line, cacheDir: cacheFolder(), report: (text) => console.log(text) });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
