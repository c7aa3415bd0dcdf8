import { beforeEach, describe, expect, test } from "@jest/globals";
import { AxiosError, AxiosHeaders } from "axios";
import { createLogger } from "../../../src/operator/logging.ts";

const USERNAME = "me@example.org";
const PASSWORD = 'canary"Pass\\w0rd';
const LOGIN = Buffer.from(`${USERNAME}:${PASSWORD}`).toString("base64");

let lines: string[];
let password: string;
let logger: ReturnType<typeof createLogger>;

beforeEach(() => {
  lines = [];
  password = PASSWORD;
  logger = createLogger("debug", () => ({ username: USERNAME, password }), { write: (line) => void lines.push(line) });
});

function axiosError(): AxiosError {
  const headers = new AxiosHeaders({ Authorization: `Basic ${LOGIN}` });
  const config = { headers, auth: { username: USERNAME, password: PASSWORD }, url: "http://kestra" };
  return new AxiosError("Request failed", "ECONNRESET", config, { headers, path: "/" });
}

describe("the password shows nowhere", () => {
  test.each<[string, object, string]>([
    ["in a message", {}, `trying ${PASSWORD}`],
    ["in a field", { password: PASSWORD, deep: { password: PASSWORD } }, "x"],
    ["in a field of any name", { a: { b: { c: { d: PASSWORD } } } }, "x"],
    ["in a request's headers", { headers: { authorization: `Basic ${LOGIN}` }, h: [`Basic ${LOGIN}`] }, "x"],
    ["in an error of axios", { err: axiosError() }, "x"],
    ["in an error of axios under another name", { error: axiosError(), nested: { cause: axiosError() } }, "x"],
    ["in the cause of an error", { err: new Error("outer", { cause: new Error(`inner ${PASSWORD}`) }) }, "x"],
    ["in what is thrown and is no error", { err: { config: { auth: { password: PASSWORD } } } }, "x"],
  ])("%s", (_where, fields, message) => {
    for (const level of ["debug", "info", "warn", "error"] as const) logger[level](fields, message);
    expect(lines).toHaveLength(4);
    for (const line of lines) {
      expect(line).not.toContain("canary");
      expect(line).not.toContain(LOGIN);
      expect(() => JSON.parse(line) as unknown).not.toThrow();
    }
  });

  test("nor does one that was replaced meanwhile", () => {
    logger.info({}, "x");
    password = "another-secret";
    logger.info({ a: PASSWORD, b: password }, "x");
    expect(lines.at(-1)).not.toMatch(/canary|another/);
  });
});

test("an error keeps its type, message and stack", () => {
  logger.error({ err: new TypeError("boom"), key: "a/b" }, "it failed");
  const line = JSON.parse(lines[0] ?? "") as { err: object };
  expect(line).toMatchObject({
    level: "error",
    key: "a/b",
    msg: "it failed",
    err: { type: "TypeError", message: "boom" },
  });
  expect(line.err).toHaveProperty("stack");
});

test("lines below the level are not written", () => {
  const quiet = createLogger("warn", () => ({ username: "", password: "" }), {
    write: (line) => void lines.push(line),
  });
  quiet.info({}, "x");
  quiet.warn({}, "y");
  expect(lines).toHaveLength(1);
});
