import type { Backfill } from "../../resources/backfill/schema.ts";
import type { KestraFlow } from "../../resources/flow/schema.ts";
import type { KestraKv } from "../../resources/kv/schema.ts";
import { age, moment, shortDuration } from "../duration.ts";
import { has, readyOf } from "../kinds.ts";
import type { Resource } from "../kinds.ts";
import { paint } from "../paint.ts";
import type { Column } from "../table.ts";
import type { InKestra } from "./inKestra.ts";

/** What a table shows besides the objects. */
export interface View {
  wide: boolean;
  /** Of several namespaces. */
  namespaces: boolean;
  /** What Kestra has; undefined where it was not asked. */
  inKestra?: ReadonlyMap<Resource, InKestra> | undefined;
  now: number;
}

export function flowColumns(view: View): Column<KestraFlow>[] {
  return [
    ...named(view),
    { title: "FLOW", of: ({ status }) => status?.flow && `${status.flow.namespace}/${status.flow.id}`, shrinks: true },
    { title: "REVISION", of: ({ status }) => status?.flow?.revision, align: "right" },
    ...judged(view),
  ];
}

export function kvColumns(view: View): Column<KestraKv>[] {
  return [
    ...named(view),
    { title: "ENTRY", of: ({ spec }) => `${spec.namespace}/${spec.key}`, shrinks: true },
    { title: "TYPE", of: ({ status }) => status?.entry?.type },
    { title: "VERSION", of: ({ status }) => status?.entry?.version, align: "right" },
    ...judged(view),
  ];
}

export function backfillColumns(view: View): Column<Backfill>[] {
  const { wide, now } = view;
  const details: Column<Backfill>[] = [
    { title: "TRIGGER", of: ({ status }) => status?.target?.trigger },
    { title: "FIRST", of: ({ status }) => status?.first && moment(status.first) },
    { title: "LAST", of: ({ status }) => status?.last && moment(status.last) },
  ];
  return [
    ...named(view),
    {
      title: "FLOW",
      of: ({ status }) => status?.target && `${status.target.namespace}/${status.target.flow}`,
      shrinks: true,
    },
    ...(wide ? details : []),
    {
      title: "STATE",
      of: ({ status }) => status?.state,
      paint: (text, { status }) => paint(styleOf(status?.state), text),
    },
    { title: "DONE", of: ({ status }) => status?.progress, align: "right" },
    {
      title: "FAILED",
      of: ({ status }) => status?.slots?.failed,
      align: "right",
      paint: (text, { status }) => ((status?.slots?.failed ?? 0) > 0 ? paint("red", text) : text),
    },
    { title: "LEFT", of: ({ status }) => status?.eta && shortDuration(Date.parse(status.eta) - now) },
    ...judged(view),
  ];
}

function named<R extends Resource>({ namespaces }: View): Column<R>[] {
  const namespace: Column<R> = { title: "NAMESPACE", of: ({ metadata }) => metadata.namespace };
  return [...(namespaces ? [namespace] : []), { title: "NAME", of: ({ metadata }) => metadata.name }];
}

function judged<R extends Resource>({ wide, inKestra, now }: View): Column<R>[] {
  const state: Column<R> = {
    title: "IN KESTRA",
    of: (resource) => inKestra?.get(resource)?.state,
    shrinks: true,
    paint: (text, resource) => (inKestra?.get(resource)?.differs ? paint("yellow", text) : text),
  };
  const message: Column<R> = { title: "MESSAGE", of: (resource) => readyOf(resource)?.message };
  return [
    { title: "READY", of: (resource) => readyOf(resource)?.status ?? "Unknown", paint: paintReady },
    { title: "REASON", of: reasonOf, shrinks: true },
    ...(inKestra ? [state] : []),
    { title: "AGE", of: ({ metadata }) => age(metadata.creationTimestamp, now) },
    ...(wide ? [message] : []),
  ];
}

/** Why it is Ready or not, and what else is to be known: that it drifted, or is paused. */
function reasonOf(resource: Resource): string | undefined {
  const reason = readyOf(resource)?.reason;
  const more = ["Drifted", "Paused"].filter((type) => has(resource, type));
  return [...(reason === undefined ? [] : [reason]), ...more].join(", ");
}

export function paintReady(text: string, resource: Resource): string {
  const status = readyOf(resource)?.status;
  if (status === "True") return paint("green", text);
  return paint(has(resource, "Stalled") ? "red" : "yellow", text);
}

function styleOf(state: string | undefined) {
  if (state === "Complete") return "green";
  if (state === "Failed" || state === "Interrupted") return "red";
  return state === "Running" ? "cyan" : "yellow";
}
