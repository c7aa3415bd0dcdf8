import { fromText } from "../../resources/flow/source.ts";
import { flowResource } from "../export/declare.ts";
import { NotConverted } from "./model.ts";
import type { ConvertOptions, Converted } from "./model.ts";

/**
 * A flow as Kestra has it, in a file of its own or between `---`.
 *
 * @throws {NotConverted}
 */
export function convertFlow(text: string, { target }: ConvertOptions): Converted {
  const read = fromText(text, "main");
  if ("reason" in read) throw new NotConverted(read.message);
  const { namespace, id } = read.identity;
  return {
    wants: { kind: "KestraFlow", namespace, id },
    resources: (name) => [flowResource({ namespace, source: text }, name, target)],
    notes: [],
  };
}
