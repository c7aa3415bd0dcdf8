import type { KvItem } from "../../kestra/types.ts";
import type { Listed } from "../drift/monitor.ts";

/** What a list of entries tells. Every write raises the version; the dates tell a restored database. */
export function listedEntries(items: readonly KvItem[]): Listed[] {
  return items.map(({ key, version, updateDate, expirationDate = "" }) => ({
    id: key,
    revision: version,
    digest: `${updateDate} ${expirationDate}`,
  }));
}
