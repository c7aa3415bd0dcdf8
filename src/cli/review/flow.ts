import { FAILSAFE_SCHEMA } from "js-yaml";
import type { FlowIdentity } from "../../kestra/types.ts";
import { parseYaml } from "../../lib/yaml.ts";
import { YamlPlaces } from "../../lib/yamlPlaces.ts";
import type { Path } from "../../lib/yamlPlaces.ts";
import { fromObject, fromText } from "../../resources/flow/source.ts";
import { error } from "./complaint.ts";
import type { Complaint } from "./complaint.ts";

/** A flow that a manifest declares. */
export interface DeclaredFlow {
  identity: FlowIdentity;
  /** What is sent to Kestra. */
  text: string;
  /** Makes a complaint about a part of the flow. */
  complain(rule: string, message: string, part: Path): Complaint;
}

export interface FlowReview {
  flow?: DeclaredFlow;
  complaints: Complaint[];
}

/**
 * Reads a flow's text by the rules that the operator applies before it asks Kestra.
 *
 * @param path where the text is in the manifest; undefined where the manifest is the flow itself
 */
export function reviewText(text: string, tenant: string, path?: Path): FlowReview {
  const parsed = parseYaml(text, FAILSAFE_SCHEMA);
  if (!parsed.ok) {
    const message = `The flow is not one YAML document: ${parsed.reason}.`;
    return { complaints: [error("InvalidSource", message, path ?? [], parsed.position)] };
  }
  const places = new YamlPlaces(text);
  const complain = (rule: string, message: string, part: Path): Complaint =>
    path === undefined ? error(rule, message, part) : error(rule, message, path, places.of(part));
  const desired = fromText(text, tenant);
  if ("reason" in desired) return { complaints: [complain(desired.reason, desired.message, blamed(desired.message))] };
  return {
    flow: { identity: desired.identity, text, complain },
    complaints: hasTasks(parsed.value) ? [] : [complain("InvalidFlow", "The flow has no tasks.", ["tasks"])],
  };
}

/** The same for a flow as an object. */
export function reviewObject(object: Record<string, unknown>, tenant: string, path: Path): FlowReview {
  const complain = (rule: string, message: string, part: Path): Complaint => error(rule, message, [...path, ...part]);
  const desired = fromObject(object, tenant);
  if ("reason" in desired) return { complaints: [complain(desired.reason, desired.message, blamed(desired.message))] };
  return {
    flow: { identity: desired.identity, text: desired.text ?? "", complain },
    complaints: hasTasks(object) ? [] : [complain("InvalidFlow", "The flow has no tasks.", ["tasks"])],
  };
}

/** Steps of a path as Kestra writes it: `tasks[0].type`. */
export function stepsOf(path: string): Path {
  return [...path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map(([, name, index]) => name ?? Number(index));
}

/** What a complaint about the identity of a flow speaks of. */
function blamed(message: string): Path {
  if (message.startsWith("The flow's id")) return ["id"];
  return message.startsWith("The flow's namespace") ? ["namespace"] : [];
}

/** Kestra refuses a flow without tasks (kestra-rest §3). */
function hasTasks(flow: unknown): boolean {
  const { tasks } = flow as { tasks?: unknown };
  return Array.isArray(tasks) && tasks.length > 0;
}
