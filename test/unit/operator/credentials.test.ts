import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { InvalidSettings, parseSettings } from "../../../src/operator/config.ts";
import { credentialsOf } from "../../../src/operator/credentials.ts";

let folder: string;
let file: string;
let changes: number;

beforeEach(() => {
  jest.useFakeTimers();
  folder = mkdtempSync(join(tmpdir(), "credentials-"));
  file = join(folder, "password");
  changes = 0;
});

afterEach(() => {
  jest.useRealTimers();
  rmSync(folder, { recursive: true });
});

function credentials() {
  const variables = { KESTRA_URL: "http://kestra", KESTRA_USERNAME: "me", KESTRA_PASSWORD_FILE: file };
  return credentialsOf(parseSettings(variables), () => (changes += 1));
}

/** As kubelet updates a mounted Secret: another file takes the name. */
function write(password: string): void {
  writeFileSync(`${file}.new`, password);
  renameSync(`${file}.new`, file);
}

test("given as values are what they are", () => {
  const variables = { KESTRA_URL: "http://kestra", KESTRA_USERNAME: "me", KESTRA_PASSWORD: "secret" };
  expect(credentialsOf(parseSettings(variables), () => undefined)()).toEqual({ username: "me", password: "secret" });
});

test("in a file are read without the line break at its end, and followed when it changes", () => {
  write("first\n");
  const current = credentials();
  expect(current()).toEqual({ username: "me", password: "first" });
  write("second\n");
  jest.advanceTimersByTime(1_000);
  expect(current()).toEqual({ username: "me", password: "second" });
  expect(changes).toBe(1);
});

test("that changed are noticed though nobody calls, since the old ones may have been refused", () => {
  write("first");
  credentials();
  write("second");
  jest.advanceTimersByTime(2_000);
  expect(changes).toBe(1);
});

test("are looked at once a second at most", () => {
  write("first");
  const current = credentials();
  write("second");
  jest.advanceTimersByTime(500);
  expect(current().password).toBe("first");
});

test("stay while the file is away or empty: a Secret is being rotated", () => {
  write("first");
  const current = credentials();
  rmSync(file);
  jest.advanceTimersByTime(1_000);
  expect(current().password).toBe("first");
  write("");
  jest.advanceTimersByTime(1_000);
  expect(current().password).toBe("first");
  write("second");
  jest.advanceTimersByTime(1_000);
  expect(current().password).toBe("second");
});

test("that are the same in another file are no change", () => {
  write("first");
  const current = credentials();
  write("first\n");
  jest.advanceTimersByTime(1_000);
  expect([current().password, changes]).toEqual(["first", 0]);
});

test("in a file that is not there at the start cannot be used, and the error names the variable", () => {
  expect(credentials).toThrow(InvalidSettings);
  expect(credentials).toThrow(/^KESTRA_PASSWORD_FILE: .*ENOENT/);
});
