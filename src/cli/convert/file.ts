import { documentsIn, manifestsIn } from "../manifests.ts";
import type { InputFile, Manifest } from "../manifests.ts";
import { isTree } from "../review/shape.ts";
import { looksLikeFlow } from "../review/review.ts";
import { convertEnterprise, ENTERPRISE_GROUP } from "./enterprise.ts";
import { NotConverted, placeOf } from "./model.ts";
import type { ConvertOptions, Converted } from "./model.ts";
import { convertFlow } from "./plain.ts";
import { convertTerraform, resourcesShown } from "./terraform.ts";

/** What became of a document that is for Kestra. */
export type Outcome = { place: string; converted: Converted } | { place: string; why: string };

/** Converts all that is for Kestra in a file. Other documents are left out without a word. */
export function convertFile(file: InputFile, options: ConvertOptions): Outcome[] {
  const shown = resourcesShown(file.text);
  if (shown)
    return shown.map((resource) =>
      outcomeOf(`${file.file}: ${resource.address}`, () => convertTerraform(resource, options)),
    );
  const { manifests, broken } = manifestsIn(file);
  const unreadable = broken.map(({ position, message, ...rest }) => ({
    place: placeOf({ ...rest, position }),
    why: `it cannot be read: ${message}`,
  }));
  return [...unreadable, ...manifests.flatMap((manifest) => convertManifest(manifest, file, options) ?? [])];
}

function convertManifest(manifest: Manifest, file: InputFile, options: ConvertOptions): Outcome | undefined {
  const { value } = manifest;
  if (!isTree(value)) return undefined;
  if (typeof value.apiVersion === "string" && value.apiVersion.startsWith(`${ENTERPRISE_GROUP}/`))
    return outcomeOf(placeOf(manifest), () => convertEnterprise(manifest, options));
  if (!looksLikeFlow(value)) return undefined;
  return outcomeOf(placeOf(manifest), () => convertFlow(sourceOf(manifest, file), options));
}

/** A flow that has its file for itself is the whole file, to the last character; one among others what is between the lines `---`. */
function sourceOf({ text }: Manifest, file: InputFile): string {
  if (documentsIn(file.text).length === 1 && !/(?<=^|[\r\n])(?:---|\.\.\.)/.test(file.text)) return file.text;
  return text.replace(/^ {3}[ \t]*(?:\r\n|\n|\r)/, "");
}

function outcomeOf(place: string, convert: () => Converted): Outcome {
  try {
    return { place, converted: convert() };
  } catch (error) {
    if (error instanceof NotConverted) return { place, why: error.message.replace(/\.$/, "") };
    throw error;
  }
}
