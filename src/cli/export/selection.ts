import { z } from "zod";
import type { FlowItem } from "../../kestra/types.ts";
import { globs } from "../../lib/glob.ts";
import { secretKeys } from "../delivery/kvSecrets.ts";
import type { KvSecretsFlags } from "../delivery/kvSecrets.ts";

/** What is to be exported. Empty lists select everything. */
export interface Selection {
  namespace: (namespace: string) => boolean;
  flow: (item: FlowItem) => boolean;
  key: (key: string) => boolean;
  /** Which entries get a reference to a Secret in place of their value. */
  secret: (key: string) => boolean;
}

export interface SelectionFlags extends KvSecretsFlags {
  kestraNamespace: string[];
  id: string[];
  key: string[];
  label: string[];
}

/** Labels as Kestra lists them. */
const Labels = z.array(z.object({ key: z.string(), value: z.string() })).catch([]);

export function selectionOf(flags: SelectionFlags): Selection {
  const { kestraNamespace, id, key, label } = flags;
  const wantedId = anyOf(id);
  const wantedLabels = label.map(readLabel);
  return {
    namespace: anyOf(kestraNamespace),
    key: anyOf(key),
    flow: (item) => wantedId(item.id) && hasLabels(item, wantedLabels),
    secret: secretKeys(flags),
  };
}

function anyOf(patterns: readonly string[]): (text: string) => boolean {
  return patterns.length === 0 ? () => true : globs(patterns);
}

/** `key=value`, or a key alone for any value. */
function readLabel(text: string): { key: string; value?: string } {
  const at = text.indexOf("=");
  return at < 0 ? { key: text } : { key: text.slice(0, at), value: text.slice(at + 1) };
}

function hasLabels({ labels }: FlowItem, wanted: readonly { key: string; value?: string }[]): boolean {
  const given = Labels.parse(labels);
  return wanted.every(({ key, value }) =>
    given.some((label) => label.key === key && (value === undefined || label.value === value)),
  );
}
