import { kubectl } from "./cluster.ts";

/** What `kubectl get` prints, by name and column. */
export async function tableOf(namespace: string, resources: string): Promise<Record<string, Record<string, string>>> {
  const [header = "", ...lines] = (await kubectl(["-n", namespace, "get", resources])).trimEnd().split("\n");
  const columns = [...header.matchAll(/\S+\s*/g)].map(({ 0: title, index }) => ({ title: title.trim(), index }));
  const rows = lines.map((line) =>
    columns.map(({ title, index }, n) => [title, line.slice(index, columns[n + 1]?.index).trim()] as const),
  );
  return Object.fromEntries(rows.map((cells) => [cells[0]?.[1] ?? "", Object.fromEntries(cells.slice(1))]));
}
