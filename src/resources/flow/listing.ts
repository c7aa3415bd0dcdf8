import { createHash } from "node:crypto";
import type { FlowItem } from "../../kestra/types.ts";
import { canonicalJson } from "../../lib/digest.ts";
import type { Listed } from "../drift/monitor.ts";

/** What a list of flows tells of those that are not deleted. */
export function listedFlows(items: readonly FlowItem[]): Listed[] {
  return items
    .filter(({ deleted }) => !deleted)
    .map((item) => ({ id: item.id, revision: item.revision, digest: shortDigest(item) }));
}

function shortDigest(item: FlowItem): string {
  return createHash("sha256").update(canonicalJson(item)).digest("base64url").slice(0, 12);
}
