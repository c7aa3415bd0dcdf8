import { describe, expect, test } from "@jest/globals";
import { InvalidSettings, parseSettings, readNamedFile, Settings } from "../../../src/operator/config.ts";

const CANARY = "canary-value";
const least = {
  KESTRA_URL: "http://kestra:8080",
  KESTRA_USERNAME: "me@example.org",
  KESTRA_PASSWORD: "secret-Passw0rd",
};

function complaint(variables: Record<string, string | undefined>): string {
  try {
    parseSettings(variables);
  } catch (error) {
    if (error instanceof InvalidSettings) return error.message;
    throw error;
  }
  return "none";
}

test("the least that must be given is enough, and the rest has defaults", () => {
  expect(parseSettings(least)).toMatchObject({
    ...least,
    KESTRA_TENANT: "main",
    WATCH_NAMESPACES: [],
    INSTANCE: "default",
    DELETION_POLICY: "Delete",
    CONCURRENCY: 8,
    DRIFT_INTERVAL: 60_000,
    REREAD_INTERVAL: 3_600_000,
    STALLED_RETRY_INTERVAL: 600_000,
    LEADER_ELECTION: "auto",
    HTTP_PORT: 8080,
    LOG_LEVEL: "info",
  });
});

test("empty variables count as not given, as a Deployment may have them", () => {
  const settings = parseSettings({ ...least, KESTRA_UI_URL: "", DRIFT_INTERVAL: "", NAMESPACE_POLICY: undefined });
  expect(settings).toMatchObject({ DRIFT_INTERVAL: 60_000 });
  expect(settings.KESTRA_UI_URL).toBeUndefined();
});

test("what is given is read", () => {
  const settings = parseSettings({
    ...least,
    WATCH_NAMESPACES: " a, b,,",
    DRIFT_INTERVAL: "500ms",
    CONCURRENCY: "64",
    HTTP_PORT: "0",
    NAMESPACE_POLICY: '[{"from": ["a"], "to": ["b.*"]}]',
    KESTRA_UI_URL: "https://kestra.example.org/ui-path",
  });
  expect(settings).toMatchObject({
    WATCH_NAMESPACES: ["a", "b"],
    DRIFT_INTERVAL: 500,
    CONCURRENCY: 64,
    HTTP_PORT: 0,
    NAMESPACE_POLICY: [{ from: ["a"], to: ["b.*"] }],
    KESTRA_UI_URL: "https://kestra.example.org/ui-path",
  });
});

describe("a complaint names the variable", () => {
  test.each<[string, Record<string, string>, RegExp]>([
    ["KESTRA_URL", { KESTRA_URL: "" }, /^ {2}KESTRA_URL: is missing$/m],
    ["KESTRA_URL", { KESTRA_URL: "ftp://x" }, /KESTRA_URL: must be an http or https address/],
    ["KESTRA_URL", { KESTRA_URL: `http://u:${CANARY}@kestra` }, /KESTRA_URL: must not contain a login/],
    ["KESTRA_UI_URL", { KESTRA_UI_URL: "javascript:alert(1)" }, /KESTRA_UI_URL: must be an http/],
    ["KESTRA_UI_URL", { KESTRA_UI_URL: `https://${CANARY}@kestra` }, /KESTRA_UI_URL: must not contain a login/],
    [
      "KESTRA_USERNAME",
      { KESTRA_USERNAME: "" },
      /KESTRA_USERNAME: give exactly one of KESTRA_USERNAME and KESTRA_USERNAME_FILE/,
    ],
    ["KESTRA_PASSWORD", { KESTRA_PASSWORD_FILE: "/x" }, /KESTRA_PASSWORD: give exactly one/],
    ["KESTRA_TENANT", { KESTRA_TENANT: "a/b" }, /KESTRA_TENANT: must be a word/],
    ["DRIFT_INTERVAL", { DRIFT_INTERVAL: "soon" }, /DRIFT_INTERVAL: must be a duration like 500ms/],
    ["DRIFT_INTERVAL", { DRIFT_INTERVAL: "0s" }, /DRIFT_INTERVAL: must be a duration/],
    ["CONCURRENCY", { CONCURRENCY: "0" }, /CONCURRENCY: /],
    ["CONCURRENCY", { CONCURRENCY: "many" }, /CONCURRENCY: /],
    ["HTTP_PORT", { HTTP_PORT: "70000" }, /HTTP_PORT: /],
    ["LOG_LEVEL", { LOG_LEVEL: "loud" }, /LOG_LEVEL: .*"debug"/],
    ["NAMESPACE_POLICY", { NAMESPACE_POLICY: "x" }, /NAMESPACE_POLICY: must be JSON/],
    ["NAMESPACE_POLICY", { NAMESPACE_POLICY: '[{"from": []}]' }, /NAMESPACE_POLICY: must be a list of rules like/],
    [
      "NAMESPACE_POLICY",
      { NAMESPACE_POLICY: '[{"from": ["a"], "to": ["b"], "too": []}]' },
      /NAMESPACE_POLICY: must be/,
    ],
  ])("%s of %j", (_name, variables, message) => {
    expect(complaint({ ...least, ...variables })).toMatch(message);
  });

  test("and all of them at once", () => {
    const text = complaint({ DRIFT_INTERVAL: "x" });
    for (const name of ["KESTRA_URL", "DRIFT_INTERVAL"]) expect(text).toContain(`  ${name}: `);
  });

  test("and never a value, whichever variable is at fault", () => {
    for (const name of Object.keys(Settings.shape)) {
      const text = complaint({ ...least, [name]: `\u0000${CANARY}` });
      expect(text).not.toContain(CANARY);
      expect(text).not.toContain(least.KESTRA_PASSWORD);
    }
  });
});

test("a file that cannot be read is told by its variable and the reason", () => {
  expect(() => readNamedFile("KESTRA_CA_FILE", "/does/not/exist")).toThrow(
    new InvalidSettings("KESTRA_CA_FILE: the file cannot be read (ENOENT)"),
  );
});
