import { formatPatch, structuredPatch } from "diff";

/** One side of a diff. */
export interface Side {
  name: string;
  /** What else its line in the head tells, where `diff` puts the date. */
  note?: string;
  text: string;
}

/** Lines that are shown around a change. */
const CONTEXT = 3;
/** Beyond so many changed lines the search for the shortest diff takes long (it grows with the square): the whole text is shown as replaced. */
const MAX_EDITS = 1_000;
const HEAD = { includeIndex: false, includeUnderline: false, includeFileHeaders: true };

/** A unified diff, as `patch` reads it; empty where the texts are equal. */
export function unifiedDiff(before: Side, after: Side): string {
  if (before.text === after.text) return "";
  const names = [before.name, after.name] as const;
  const notes = [before.note, after.note] as const;
  const options = { context: CONTEXT, maxEditLength: MAX_EDITS };
  const patch = structuredPatch(...names, before.text, after.text, ...notes, options);
  if (patch) return formatPatch(patch, HEAD);
  // An empty side differs in as many lines as the other one has: the shortest diff of two halves is found at once.
  const [removed, added] = [
    structuredPatch(...names, before.text, "", ...notes),
    structuredPatch(...names, "", after.text, ...notes),
  ];
  const [old, now] = [removed.hunks[0], added.hunks[0]];
  if (!old || !now) throw new Error("a text that differs has no lines");
  const { oldStart, oldLines } = old;
  const { newStart, newLines } = now;
  const hunk = { oldStart, oldLines, newStart, newLines, lines: [...old.lines, ...now.lines] };
  return formatPatch({ ...removed, hunks: [hunk] }, HEAD);
}
