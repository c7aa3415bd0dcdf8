import { CORE_SCHEMA, dump, load, mergeTag, YAMLException } from "js-yaml";
import type { Schema } from "js-yaml";

/** Most nested collections a document may have; js-yaml stops reading at this depth. */
export const MAX_DEPTH = 100;
/** Most aliases (`*name`) a document may use. */
const MAX_ALIASES = 200;
/** Most values a document may come to once its aliases are written out: in all, and for its length. */
const MAX_VALUES = 500_000;
const MAX_VALUES_PER_CHARACTER = 10;

const WITH_MERGE_KEYS = CORE_SCHEMA.withTags(mergeTag);

/** Where something stands in a text; both count from 1, columns in UTF-16 units. */
export interface Position {
  line: number;
  column: number;
}

/** `message` names the place where js-yaml knows it; `reason` is the same without. */
export type YamlResult =
  { ok: true; value: unknown } | { ok: false; message: string; reason: string; position?: Position };

/**
 * Reads one YAML document.
 *
 * Bounded in depth, aliases and expanded size, so that a hostile document costs milliseconds and not memory. Duplicate keys,
 * several documents and an empty text are errors. Merge keys (`<<`) are followed unless another schema is given. Never throws:
 * the message names line and column where js-yaml knows them.
 */
export function parseYaml(text: string, schema: Schema = WITH_MERGE_KEYS): YamlResult {
  try {
    const value = load(text, { schema, maxDepth: MAX_DEPTH, maxAliases: MAX_ALIASES });
    const limit = Math.min(MAX_VALUES, MAX_VALUES_PER_CHARACTER * text.length);
    if (countValues(value, limit) >= limit) {
      const reason = `with its aliases written out it comes to ${limit} values or more`;
      return { ok: false, message: reason, reason };
    }
    return { ok: true, value };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const { mark, reason } = error;
    if (!mark) return { ok: false, message: reason, reason };
    const position = { line: mark.line + 1, column: mark.column + 1 };
    return { ok: false, message: `${reason} at line ${position.line}, column ${position.column}`, reason, position };
  }
}

/**
 * Writes an object as a YAML document that YAML 1.1 and YAML 1.2 readers read alike: whatever either would take for another type
 * is quoted. No anchors, no line folding, ends in a newline.
 *
 * @param rank orders the keys of every mapping, as in Array.prototype.sort
 */
export function dumpYaml(value: unknown, rank?: (a: string, b: string) => number): string {
  return dump(value, { lineWidth: -1, noRefs: true, ...(rank ? { sortKeys: rank } : {}) });
}

/** Counts the values of a tree, aliases written out, up to a limit. */
function countValues(root: unknown, limit: number): number {
  let count = 0;
  const pending: unknown[] = [root];
  while (pending.length > 0 && count < limit) {
    const value = pending.pop();
    count += 1;
    if (typeof value === "object" && value !== null) {
      for (const child of Array.isArray(value) ? (value as unknown[]) : Object.values(value)) pending.push(child);
    }
  }
  return count;
}
