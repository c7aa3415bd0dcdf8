import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { withLock } from "./lock.ts";

/**
 * Makes sure that `folder` exists, complete. `make` gets an empty work folder beside it and returns the folder inside it to
 * keep. A concurrent caller waits for the first; what a killed one left half done is removed.
 */
export async function cacheEntry(
  folder: string,
  report: (line: string) => void,
  make: (work: string) => Promise<string>,
): Promise<void> {
  if (existsSync(folder)) return;
  const onWait = ({ pid }: { pid: number }) =>
    report(`${basename(folder)}: being built by process ${pid}; waiting for it`);
  await withLock(
    `${folder}.lock`,
    async () => {
      if (existsSync(folder)) return;
      const prefix = `${basename(folder)}.work-`;
      for (const left of readdirSync(dirname(folder)).filter((name) => name.startsWith(prefix)))
        rmSync(join(dirname(folder), left), { recursive: true, force: true });
      const work = mkdtempSync(join(dirname(folder), prefix));
      try {
        renameSync(await make(work), folder);
      } finally {
        rmSync(work, { recursive: true, force: true });
      }
    },
    { onWait },
  );
}
