import { locateComplaint } from "../../kestra/rejection.ts";
import type { FlowIdentity, FlowValidation } from "../../kestra/types.ts";
import { parseYaml } from "../../lib/yaml.ts";
import { displayName } from "../ownership/identity.ts";

/** Why a flow must not be written. */
export interface FlowFlaw {
  reason: "InvalidFlow" | "IdentityMismatch";
  message: string;
  /** Where in the flow it is, as in `tasks[0].type`; empty where that cannot be told. */
  path: string;
}

/**
 * What Kestra's verdict on a source says against it; undefined when nothing does.
 *
 * @param identity the flow that we read in the source
 */
export function flawOfFlow(
  { constraints, flow, namespace }: FlowValidation,
  identity: FlowIdentity,
  text: string,
): FlowFlaw | undefined {
  if (constraints !== undefined) {
    const tree = parseYaml(text);
    const path = tree.ok ? locateComplaint(constraints, tree.value) : "";
    return {
      reason: "InvalidFlow",
      message: `Kestra refuses the flow: ${path === "" ? "" : `${path}: `}${withoutClass(constraints)}.`,
      path,
    };
  }
  if (flow === identity.id && namespace === identity.namespace) return undefined;
  return {
    reason: "IdentityMismatch",
    message: `Kestra reads this source as the flow ${namespace}/${flow}, we read ${displayName(identity)}: write id and namespace as plain strings, once each.`,
    path: "",
  };
}

/** Kestra's message without the name of the exception that carried it. */
function withoutClass(constraints: string): string {
  return constraints.replace(/^(jakarta\.validation\.ConstraintViolationException|Validation error): /, "").trim();
}
