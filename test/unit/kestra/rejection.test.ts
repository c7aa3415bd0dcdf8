import { describe, expect, test } from "@jest/globals";
import { describeRejection, flowPath, isErrorOfKestra, locateComplaint } from "../../../src/kestra/rejection.ts";
import { kestraError } from "./support/loopback.ts";

// Messages and paths as Kestra 1.1.0 answered them.
const unknownField =
  'Unrecognized field "metadata" (class io.kestra.plugin.core.log.Log), not marked as ignorable (16 known properties: "logLevel", "timeout"])';
const logChain =
  'io.kestra.core.models.flows.FlowWithSource["tasks"]->java.util.ArrayList[0]->io.kestra.plugin.core.log.Log["metadata"]';

describe("a rejection is told with the path of the property at fault", () => {
  test.each([
    [
      "an unknown property",
      kestraError(`Invalid entity: ${unknownField}`, [{ message: unknownField, path: logChain }]),
      `tasks[0].metadata: Invalid entity: ${unknownField}`,
    ],
    [
      "an unknown type",
      kestraError("Invalid entity: Invalid type: io.kestra.plugin.nope.Nope", [
        {
          message: "Could not resolve type id",
          path: 'io.kestra.core.models.flows.FlowWithSource["tasks"]->java.util.ArrayList[0]',
        },
      ]),
      "tasks[0]: Invalid entity: Invalid type: io.kestra.plugin.nope.Nope",
    ],
    [
      "a path that the message has already",
      kestraError("Invalid entity: tasks: must not be empty\n", [{ message: "must not be empty", path: "tasks" }]),
      "Invalid entity: tasks: must not be empty",
    ],
    [
      "broken YAML, whose path says nothing",
      kestraError("Invalid entity: Illegal genericflow source: Cannot", [{ message: "Cannot", path: "yaml" }]),
      "Invalid entity: Illegal genericflow source: Cannot",
    ],
    [
      "no path",
      kestraError("Invalid entity: : Invalid Flow", [{ message: "x", path: "" }]),
      "Invalid entity: : Invalid Flow",
    ],
  ])("%s", (_what, body, expected) => {
    expect(describeRejection(JSON.stringify(body))).toBe(expected);
  });

  test.each(["", "<html>", "null", "[]", '{"message": 1}', '"text"'])("%j has no message", (body) => {
    expect(describeRejection(body)).toBe("no message");
    expect(isErrorOfKestra(body)).toBe(false);
  });

  test("a long message is cut", () => {
    expect(describeRejection(JSON.stringify(kestraError("x".repeat(5_000))))).toHaveLength(700);
  });
});

test.each([
  ['a.FlowWithSource["tasks"]->java.util.ArrayList[0]->a.Log["metadata"]', "tasks[0].metadata"],
  ['a.FlowWithSource["labels"]', "labels"],
  ["tasks", "tasks"],
  ["yaml", ""],
  ["", ""],
])("the path %j is shown as %j", (path, shown) => {
  expect(flowPath(path)).toBe(shown);
});

describe("where a complaint of Kestra's validation points to", () => {
  const flow = {
    id: "f",
    tasks: [
      { id: "a", type: "io.kestra.plugin.core.log.Log" },
      { id: "b", type: "Sequential", tasks: [{ id: "c", type: "io.kestra.plugin.core.log.Log", nopeprop: 1 }] },
    ],
  };
  test.each([
    ["Invalid type: Sequential", "tasks[1].type"],
    ["jakarta.validation.ConstraintViolationException: Invalid type: Sequential", "tasks[1].type"],
    ['Unrecognized field "nopeprop" (class io.kestra.plugin.core.log.Log), not', "tasks[1].tasks[0].nopeprop"],
    ['Unrecognized field "foo" (class io.kestra.core.models.flows.FlowWithSource), not', "foo"],
    ['Unrecognized field "elsewhere" (class io.kestra.plugin.core.log.Log), not', ""],
    ["tasks: must not be empty\n", ""],
  ])("%s", (message, path) => {
    expect(locateComplaint(message, flow)).toBe(path);
  });

  test("nothing is found in what is no flow", () => {
    for (const nothing of [null, 1, "Invalid type: x", []])
      expect(locateComplaint("Invalid type: x", nothing)).toBe("");
  });
});
