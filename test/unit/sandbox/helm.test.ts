import { expect, test } from "@jest/globals";
import { isNewEnough } from "../../../sandbox/helm.ts";

test.each([
  ["v3.17.9", false],
  ["v3.18.0", true],
  ["v3.18.0+g1234567", true],
  ["v3.100.0", true],
  ["v4.0.0-rc.1", true],
  ["v4.3.1", true],
  ["v2.99.0", false],
  ["", false],
  ["v4", false],
  ["helm: not found", false],
])("a helm that calls itself %j will do: %s", (version, expected) => {
  expect(isNewEnough(version)).toBe(expected);
});
