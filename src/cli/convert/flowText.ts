import { FAILSAFE_SCHEMA } from "js-yaml";
import { dumpYaml, parseYaml } from "../../lib/yaml.ts";
import type { KestraName } from "../names.ts";
import { NotConverted } from "./model.ts";

/**
 * A flow's text as Kestra takes it. It stays as it is when it names the flow; id and namespace are put in front of one that leaves them
 * to what is around it.
 *
 * @throws {NotConverted} when it names another flow, or cannot be read
 */
export function flowText(text: string, { namespace, id }: KestraName): { text: string; completed: boolean } {
  const parsed = parseYaml(text, FAILSAFE_SCHEMA);
  if (!parsed.ok) throw new NotConverted(`its flow is not one YAML document: ${parsed.message}`);
  if (typeof parsed.value !== "object" || parsed.value === null || Array.isArray(parsed.value))
    throw new NotConverted("its flow is no YAML mapping");
  const own = parsed.value as Record<string, unknown>;
  const missing = Object.entries({ id, namespace }).filter(([key, value]) => {
    if (own[key] === undefined) return true;
    if (own[key] === value) return false;
    throw new NotConverted(
      `its flow has the ${key} ${JSON.stringify(own[key])}, and around it is ${value}: make them one`,
    );
  });
  if (missing.length === 0) return { text, completed: false };
  return { text: dumpYaml(Object.fromEntries(missing)) + text, completed: true };
}
