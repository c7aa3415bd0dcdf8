import { readFileSync } from "node:fs";
import { join } from "node:path";

/** One request to a real Kestra 1.1.0, and what it answered. */
export interface Recorded {
  /** The file and the name it has there; repeated names are numbered: "backfill: pause (2)". */
  key: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
  answer: {
    status: number;
    headers: Record<string, string>;
    json?: unknown;
    text?: string;
    /** The beginning of a body that was too long to record. */
    cut?: string;
  };
}

type Stored = Omit<Recorded, "key" | "headers" | "answer"> & {
  name: string;
  headers?: Record<string, string>;
  answer: Omit<Recorded["answer"], "headers"> & { headers?: Record<string, string> };
};

/**
 * The recording of that name, in the order of its requests. Its namespace `probe` becomes the given one, which has to be as
 * long (answers hold column numbers), so that a server can be asked more than once.
 */
export function recording(name: string, namespace: string): Recorded[] {
  if (namespace.length !== "probe".length) throw new Error("the namespace must have five letters, as the recorded one");
  const text = readFileSync(join(import.meta.dirname, "recorded", `${name}.json`), "utf8");
  const seen = new Map<string, number>();
  return (JSON.parse(text.replaceAll(/\bprobe\b/g, namespace)) as Stored[]).map((stored) => {
    const count = (seen.get(stored.name) ?? 0) + 1;
    seen.set(stored.name, count);
    const key = `${name}: ${stored.name.replaceAll(namespace, "probe")}${count > 1 ? ` (${count})` : ""}`;
    return {
      ...stored,
      key,
      headers: stored.headers ?? {},
      answer: { ...stored.answer, headers: stored.answer.headers ?? {} },
    };
  });
}
