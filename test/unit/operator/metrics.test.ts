import { describe, expect, test } from "@jest/globals";
import { Metrics } from "../../../src/operator/metrics.ts";

/** Labels whose values we choose ourselves, or that have three digits. A name or a message must never become one. */
const BOUNDED = new Set([
  "kind",
  "outcome",
  "operation",
  "code",
  "verb",
  "resource",
  "priority",
  "ready",
  "drift",
  "le",
]);

test("no label of ours can have any value", async () => {
  for (const { name } of await new Metrics().registry.getMetricsAsJSON()) {
    if (!name.startsWith("kestraflow_")) continue;
    const metric = new Metrics().registry.getSingleMetric(name) as unknown as { labelNames: string[] };
    for (const label of metric.labelNames) expect(BOUNDED).toContain(label);
  }
});

test("all metrics say whose they are and what they mean", async () => {
  const metrics = await new Metrics().registry.getMetricsAsJSON();
  expect(metrics.length).toBeGreaterThan(5);
  for (const { name, help } of metrics) {
    expect(name).toMatch(/^(kestraflow|process|nodejs)_/);
    expect(help).not.toBe("");
  }
});

describe("what is observed", () => {
  test("is asked for at every scrape", async () => {
    const metrics = new Metrics();
    let value = 1;
    metrics.observe("kestraflow_leader", "Leader.", () => value);
    expect(await metrics.registry.metrics()).toContain("\nkestraflow_leader 1\n");
    value = 0;
    expect(await metrics.registry.metrics()).toContain("\nkestraflow_leader 0\n");
  });

  test("can have labels, and those that went are not shown any more", async () => {
    const metrics = new Metrics();
    let kinds = ["a", "b"];
    metrics.observe("kestraflow_resources", "Resources.", () => kinds.map((kind) => [{ kind }, 1]));
    expect(await metrics.registry.metrics()).toContain('kestraflow_resources{kind="b"} 1');
    kinds = ["a"];
    const text = await metrics.registry.metrics();
    expect(text).toContain('kestraflow_resources{kind="a"} 1');
    expect(text).not.toContain('kind="b"');
  });
});
