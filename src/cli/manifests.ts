import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { parseYaml } from "../lib/yaml.ts";
import type { Position } from "../lib/yaml.ts";
import { YamlPlaces } from "../lib/yamlPlaces.ts";
import type { Path } from "../lib/yamlPlaces.ts";
import { UserError } from "./failure.ts";

/** What a file name must end with to be read in a folder. */
const EXTENSIONS = /\.(ya?ml|json)$/;
/** How a document begins. YAML allows this line nowhere else, not even within a text. */
const SEPARATOR = /(?<=^|[\r\n])(?:---|\.\.\.)(?=[ \t\r\n]|$)/g;

/** A text that was read, and where from. */
export interface InputFile {
  /** As it was given or found; `-` for standard input. */
  file: string;
  text: string;
}

/** One document of a file, or one item of a List in it. */
export interface Manifest {
  file: string;
  /** Where it begins in the file. */
  position: Position;
  value: unknown;
  /** The text of the document, from its first line on. Of an item of a List, the whole List's. */
  text: string;
  /** Where a member, or a place within a member that is a text, stands in the file. */
  locate(path: Path, within?: Position): Position;
}

/** A document that cannot be read. */
export interface BrokenManifest {
  file: string;
  position: Position;
  message: string;
}

/**
 * Reads files; in folders, however deep, all that end in .yaml, .yml or .json, by name. Hidden folders are left out. `-` is standard
 * input.
 *
 * @throws {UserError} where something cannot be read
 */
export async function readFiles(paths: readonly string[]): Promise<InputFile[]> {
  const files: InputFile[] = [];
  for (const path of paths) {
    if (path === "-") files.push({ file: "-", text: await readAll(process.stdin) });
    else for (const file of await filesAt(path)) files.push({ file, text: await readText(file) });
  }
  return files;
}

/** The documents of all files that {@link readFiles} finds. */
export async function readManifests(
  paths: readonly string[],
): Promise<{ manifests: Manifest[]; broken: BrokenManifest[] }> {
  const read = (await readFiles(paths)).map(manifestsIn);
  return { manifests: read.flatMap((file) => file.manifests), broken: read.flatMap((file) => file.broken) };
}

/** The documents of a file. Empty ones are left out; those of a List are given one by one. */
export function manifestsIn({ file, text }: InputFile): { manifests: Manifest[]; broken: BrokenManifest[] } {
  const manifests: Manifest[] = [];
  const broken: BrokenManifest[] = [];
  for (const document of documentsIn(text)) {
    const parsed = parseYaml(document.text);
    if (!parsed.ok) {
      const position = inFile(document.line, parsed.position ?? { line: 1, column: 1 });
      broken.push({ file, position, message: parsed.reason });
    } else manifests.push(...resourcesOf(file, document, parsed.value));
  }
  return { manifests, broken };
}

/** The documents of a YAML text that are not empty, and the line of the text in which each begins. */
export function documentsIn(text: string): { line: number; text: string }[] {
  const separators = [...text.matchAll(SEPARATOR)].map(({ index }) => index);
  const starts = [0, ...separators];
  return starts
    .map((start, index) => {
      const part = text.slice(start, starts[index + 1]);
      // What follows on the line of a separator keeps its column.
      const own = index === 0 ? withoutMark(part) : `   ${part.slice(3)}`;
      return { line: countLines(text.slice(0, start)), text: own };
    })
    .filter(({ text }) => !/^(?:[ \t]*(?:#[^\r\n]*|%[^\r\n]*)?(?:[\r\n]|$))*$/.test(text));
}

function resourcesOf(file: string, { line, text }: { line: number; text: string }, value: unknown): Manifest[] {
  let places: YamlPlaces | undefined;
  const locate = (path: Path, within?: Position): Position => {
    places ??= new YamlPlaces(text);
    return inFile(line, within ? places.within(path, within) : places.of(path));
  };
  const items = itemsOf(value);
  if (items === undefined) return [{ file, position: locate([]), value, text, locate }];
  return items.map((item, index) => {
    const under = (path: Path, within?: Position): Position => locate(["items", index, ...path], within);
    return { file, position: under([]), value: item, text, locate: under };
  });
}

/** The items of what `kubectl get -o yaml` gives. */
function itemsOf(value: unknown): unknown[] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { kind, apiVersion, items } = value as { kind?: unknown; apiVersion?: unknown; items?: unknown };
  const isList = typeof kind === "string" && kind.endsWith("List") && typeof apiVersion === "string";
  return isList && Array.isArray(items) ? items : undefined;
}

function inFile(start: number, { line, column }: Position): Position {
  return { line: start + line - 1, column };
}

function withoutMark(text: string): string {
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

function countLines(text: string): number {
  return [...text.matchAll(/\r\n|\n|\r/g)].length + 1;
}

async function filesAt(path: string): Promise<string[]> {
  const isFolder = await stat(path).then((found) => found.isDirectory(), unreadable(path));
  if (!isFolder) return [path];
  const entries = await readdir(path, { withFileTypes: true }).catch(unreadable(path));
  const files: string[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const child = join(path, entry.name);
    if (entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules")
      files.push(...(await filesAt(child)));
    else if (!entry.isDirectory() && EXTENSIONS.test(entry.name)) files.push(child);
  }
  return files;
}

async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch(unreadable(path));
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new UserError(`${path} is not text in UTF-8.`);
  }
}

function unreadable(path: string): (error: unknown) => never {
  return (error) => {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(
      code === "ENOENT" ? `${path} does not exist.` : `${path} cannot be read (${code ?? "unknown"}).`,
    );
  };
}
