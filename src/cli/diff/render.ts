import { keyFor } from "../../kubernetes/objects.ts";
import { displayName } from "../../resources/ownership/identity.ts";
import { moment } from "../duration.ts";
import { paint } from "../paint.ts";
import { visible } from "../plainText.ts";
import type { BackfillOutcome } from "../rehearsal/backfills.ts";
import type { Declared } from "../rehearsal/declared.ts";
import type { FlowOutcome } from "../rehearsal/flows.ts";
import type { KvOutcome } from "../rehearsal/kvs.ts";
import { renderTable } from "../table.ts";
import { unifiedDiff } from "../unified.ts";
import type { Side } from "../unified.ts";
import { shownAfter, shownBefore, valueTexts } from "./values.ts";

/** The unified diff of a flow that would be made or changed, and a line for one that would be deleted for it. */
export function flowChanges({ declared, result, identity, before, after, leaves }: FlowOutcome): string[] {
  if ((result !== "create" && result !== "update") || !identity) return [];
  const name = displayName(identity);
  const old: Side = before
    ? { name: `kestra/${name}`, note: `revision ${before.revision}`, text: before.source }
    : { name: "/dev/null", text: "" };
  const gone = leaves ? [`${paint("red", "deleted")} flow ${displayName(leaves)}\n`] : [];
  return [paintDiff(unifiedDiff(old, sideOf(declared, after ?? ""))), ...gone];
}

/** A table of the entries that would be made or changed, or of which that is not known. */
export function kvChanges(
  kvs: readonly KvOutcome[],
  { mask, width }: { mask: boolean; width: number | undefined },
): string {
  const rows = kvs.filter(({ result }) => result === "create" || result === "update" || result === "unknown");
  const table = renderTable(
    rows,
    [
      { title: "NAMESPACE", of: ({ identity }) => identity.namespace },
      { title: "KEY", of: ({ identity }) => identity.id },
      { title: "CHANGE", of: changeOf, paint: (text, { result }) => paint(STYLE[result], text) },
      { title: "TYPE", of: typesOf },
      { title: "NOW", of: (kv) => shownBefore(kv, mask), shrinks: true },
      { title: "THEN", of: (kv) => shownAfter(kv, mask), shrinks: true },
      { title: "ALSO", of: alsoIn },
    ],
    width,
  );
  const long = rows.flatMap((kv) => {
    const texts = valueTexts(kv, mask);
    if (texts === undefined) return [];
    const name = displayName(kv.identity);
    return [paintDiff(unifiedDiff({ name: `kestra/${name}`, text: texts.before }, sideOf(kv.declared, texts.after)))];
  });
  return [table, ...long].filter((part) => part !== "").join("\n");
}

/** A table of the Backfills that would be accepted and have something to run. */
export function backfillChanges(backfills: readonly BackfillOutcome[], width: number | undefined): string {
  const rows = backfills.flatMap((backfill) => {
    const { plan } = backfill;
    return plan && plan.slots.remaining > 0 ? [{ ...backfill, plan }] : [];
  });
  return renderTable(
    rows,
    [
      { title: "BACKFILL", of: ({ declared }) => declared.object.metadata.name },
      { title: "FLOW", of: ({ plan: { target } }) => `${target.namespace}/${target.flow}`, shrinks: true },
      { title: "TRIGGER", of: ({ plan }) => plan.target.trigger },
      { title: "SLOTS", of: ({ plan }) => plan.slots.total, align: "right" },
      { title: "PRESENT", of: ({ plan }) => plan.slots.present, align: "right" },
      {
        title: "TO RUN",
        of: ({ plan }) => plan.slots.remaining,
        align: "right",
        paint: (text, { result }) => paint(STYLE[result], text),
      },
      { title: "FIRST", of: ({ plan: { first } }) => first && moment(first) },
      { title: "LAST", of: ({ plan: { last } }) => last && moment(last) },
      { title: "STARTS", of: startsOf },
    ],
    width,
  );
}

/** What a resource declares, as a side of a diff. */
function sideOf({ file, line, object: { kind, metadata } }: Declared<unknown>, text: string): Side {
  return { name: file, note: `${kind} ${keyFor(metadata)}, line ${line}`, text };
}

const STYLE = {
  create: "green",
  update: "yellow",
  unknown: "magenta",
  none: "dim",
  refused: "red",
  waiting: "yellow",
} as const;

function changeOf({ result }: KvOutcome): string {
  return result === "create" ? "made" : result === "update" ? "changed" : "unknown";
}

function startsOf({ result, declared }: BackfillOutcome): string {
  const { mode, suspend } = declared.object.spec;
  if (mode === "Preview") return "no, mode is Preview";
  if (suspend) return "no, suspended";
  return result === "create" ? "yes" : "no";
}

function typesOf({ before, after }: KvOutcome): string | undefined {
  const [old, now] = [before?.stored.type, after?.type];
  return old === undefined || now === undefined || old === now ? (now ?? old) : `${old} → ${now}`;
}

function alsoIn({ before, description, ttl, result }: KvOutcome): string {
  if (result !== "update" || before === undefined) return ttl === undefined ? "" : `ttl ${ttl}`;
  const words = [
    ...((before.description ?? "") === (description ?? "") ? [] : ["description"]),
    ...((before.expirationDate === undefined) === (ttl === undefined) ? [] : ["ttl"]),
  ];
  return words.join(", ");
}

/** Colours as git has them. On a terminal, control characters are made visible. */
function paintDiff(text: string): string {
  const shown = process.stdout.isTTY ? visible(text) : text;
  return shown
    .split("\n")
    .map((line, n) => {
      if (n < 2) return paint("bold", line);
      if (line.startsWith("@@")) return paint("cyan", line);
      if (line.startsWith("+")) return paint("green", line);
      return line.startsWith("-") ? paint("red", line) : line;
    })
    .join("\n");
}
