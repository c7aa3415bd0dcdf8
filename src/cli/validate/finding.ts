import type { BrokenManifest } from "../manifests.ts";
import type { Reviewed } from "../review/review.ts";

/** A complaint with its place in a file, as all output formats tell it. */
export interface Finding {
  file: string;
  line: number;
  column: number;
  severity: "error" | "warning";
  rule: string;
  message: string;
  /** Kind and name of what it is about; undefined for a document that cannot be read. */
  resource?: string;
}

/** All findings, in the order of files and lines. */
export function findingsOf(reviewed: readonly Reviewed[], broken: readonly BrokenManifest[]): Finding[] {
  const unreadable = broken.map(({ file, position, message }): Finding => {
    return {
      file,
      ...position,
      severity: "error",
      rule: "InvalidYaml",
      message: `The document cannot be read: ${message}.`,
    };
  });
  const complaints = reviewed.flatMap(({ manifest, kind, name, complaints }) =>
    complaints.map(({ severity, rule, message, path, within }): Finding => {
      return {
        file: manifest.file,
        ...manifest.locate(path, within),
        severity,
        rule,
        message,
        resource: `${kind} ${name}`,
      };
    }),
  );
  const files = [...new Set([...unreadable, ...complaints].map(({ file }) => file))];
  return [...unreadable, ...complaints].toSorted(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
}
