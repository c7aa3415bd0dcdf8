import { createHash, randomInt } from "node:crypto";

/** Shorter pieces would be found where nobody put them. */
const LEAST = 8;

/**
 * Secret values, each unlike any other text there is, and the search for them in what must not have them: as they are, and in every
 * form that a careless program gives a value.
 */
export class Canaries {
  /** What is searched for, by its first characters. */
  readonly #pieces = new Map<string, { piece: string; name: string }[]>();

  /** @param shape makes the value from a token of twelve digits, by which a part of it is recognised */
  make(shape: (token: string) => string): string {
    const token = String(randomInt(1e11, 1e12 / 4));
    const value = shape(token);
    for (const [form, pieces] of Object.entries(formsOf(value, token))) {
      const name = `${form} of ${JSON.stringify(value)}`;
      for (const piece of pieces.filter(({ length }) => length >= LEAST)) {
        const start = piece.slice(0, LEAST);
        this.#pieces.set(start, [...(this.#pieces.get(start) ?? []), { piece, name }]);
      }
    }
    return value;
  }

  /** What of the values is in a text: each find once, with its form and surroundings. */
  findIn(text: string): string[] {
    const finds = new Map<string, string>();
    for (let at = 0; at + LEAST <= text.length; at++) {
      for (const { piece, name } of this.#pieces.get(text.slice(at, at + LEAST)) ?? []) {
        if (finds.has(name) || !text.startsWith(piece, at)) continue;
        finds.set(name, `${name}: ${text.slice(Math.max(0, at - 150), at + 150)}`);
      }
    }
    return [...finds.values()];
  }
}

/** Everything that a value can be told by, by the name of the form. */
export function formsOf(value: string, token: string): Record<string, string[]> {
  const readings = [value, value.trim(), token, JSON.stringify(value)];
  const each = (form: (reading: string) => string[]): string[] => [...new Set(readings.flatMap(form))];
  const digests = Object.fromEntries(
    ["sha256", "sha1", "md5", "sha512"].map((algorithm) => [
      algorithm,
      each((reading) => {
        const hash = createHash(algorithm).update(reading).digest();
        const hex = hash.toString("hex");
        // Digests are often cut.
        return [
          hex.slice(0, 12),
          hex.slice(0, 12).toUpperCase(),
          hash.toString("base64").slice(0, 12),
          hash.toString("base64url").slice(0, 12),
        ];
      }),
    ]),
  );
  return {
    text: each((reading) => [reading]),
    base64: each((reading) => shifts(reading, "base64")),
    base64url: each((reading) => shifts(reading, "base64url")),
    hex: each((reading) => [Buffer.from(reading).toString("hex"), Buffer.from(reading).toString("hex").toUpperCase()]),
    "URL-encoded": each((reading) => [
      encodeURIComponent(reading),
      new URLSearchParams({ "": reading }).toString().slice(1),
    ]),
    "JSON-escaped": each((reading) => {
      const once = JSON.stringify(reading).slice(1, -1);
      return [once, JSON.stringify(once).slice(1, -1)];
    }),
    ...digests,
  };
}

/** Base64 of a text in the middle of another one: it begins at any of three places, and its ends depend on its neighbours. */
function shifts(text: string, encoding: "base64" | "base64url"): string[] {
  return [0, 1, 2].map((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)]);
    const encoded = bytes.subarray(0, bytes.length - (bytes.length % 3)).toString(encoding);
    return encoded.slice(offset === 0 ? 0 : 4);
  });
}
