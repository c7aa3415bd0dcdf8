import { cacheFolder } from "../../sandbox/folders.ts";
import { helmCommand } from "../../sandbox/helm.ts";

/** The command of helm: the one on the PATH, or one that is built the first time, which takes minutes on a slow, busy machine. */
export const helmProgram = (): Promise<string> =>
  helmCommand({ cacheDir: cacheFolder(), report: (line) => process.stderr.write(`${line}\n`) });
