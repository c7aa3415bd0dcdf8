import { keyFor } from "../../kubernetes/objects.ts";
import { paint } from "../paint.ts";
import { plain } from "../plainText.ts";
import type { Rehearsal } from "../rehearsal/all.ts";
import { placeOf } from "../rehearsal/declared.ts";
import type { Declared } from "../rehearsal/declared.ts";
import type { Outcome, Result } from "../rehearsal/outcome.ts";

const STYLE = {
  refused: "red",
  waiting: "yellow",
  unknown: "yellow",
  none: "dim",
  create: "dim",
  update: "dim",
} as const;

/** What there is to say of resources, one line each, for standard error. */
export function notesOn({ flows, kvs, backfills }: Rehearsal): string[] {
  return [...flows, ...kvs, ...backfills].flatMap(noteOn);
}

function noteOn({ declared, result, message }: Outcome & { declared: Declared<unknown> }): string[] {
  if (message === undefined) return [];
  const { kind, metadata } = declared.object;
  const word = result === "none" || result === "create" || result === "update" ? "note" : result;
  const name = `${kind} ${keyFor(metadata)} (${placeOf(declared)})`;
  return [`${paint(STYLE[result], word, process.stderr)} ${plain(`${name}: ${message}`)}`];
}

/** How many would change, of each kind. */
export function summaryOf({ flows, kvs, backfills }: Rehearsal): string {
  const kinds = [
    count(flows, ["flow", "flows"]),
    count(kvs, ["entry", "entries"]),
    count(backfills, ["Backfill", "Backfills"]),
  ];
  return kinds.filter((text) => text !== "").join("; ");
}

const WORDS: readonly [Result, string][] = [
  ["create", "to be made"],
  ["update", "changed"],
  ["none", "unchanged"],
  ["refused", "refused"],
  ["waiting", "waiting"],
  ["unknown", "unknown"],
];

function count(outcomes: readonly Outcome[], [one, many]: readonly [string, string]): string {
  if (outcomes.length === 0) return "";
  const counts = WORDS.map(([result, word]) => [outcomes.filter((it) => it.result === result).length, word] as const);
  const told = counts.filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`);
  return `${outcomes.length} ${outcomes.length === 1 ? one : many}: ${told.join(", ")}`;
}

/** What a diff cannot tell, for standard error. */
export function NOT_LOOKED_AT(withCluster: boolean): string {
  const more = withCluster
    ? "resources of the cluster that are not in the files"
    : "the cluster: whether resources own what they declare (spec.adoption), and what it has besides";
  return paint("dim", `Not looked at: the operator's namespace policy and settings; ${more}.`, process.stderr);
}
