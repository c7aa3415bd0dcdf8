import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** Seconds; reconciles and calls take milliseconds when all is well, and up to their deadline when not. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** All metrics of the operator. Labels are bounded: no name, namespace or message ever becomes one. */
export class Metrics {
  readonly registry = new Registry();

  readonly reconciles = new Counter({
    name: "kestraflow_reconciles_total",
    help: "Reconciles by kind and outcome.",
    labelNames: ["kind", "outcome"],
    registers: [this.registry],
  });
  readonly reconcileSeconds = new Histogram({
    name: "kestraflow_reconcile_seconds",
    help: "Duration of a reconcile.",
    labelNames: ["kind"],
    buckets: BUCKETS,
    registers: [this.registry],
  });
  readonly kestraCalls = new Counter({
    name: "kestraflow_kestra_calls_total",
    help: "Calls to Kestra by operation and HTTP status.",
    labelNames: ["operation", "code"],
    registers: [this.registry],
  });
  readonly kestraSeconds = new Histogram({
    name: "kestraflow_kestra_call_seconds",
    help: "Duration of a call to Kestra.",
    labelNames: ["operation"],
    buckets: BUCKETS,
    registers: [this.registry],
  });
  readonly kubernetesCalls = new Counter({
    name: "kestraflow_kubernetes_calls_total",
    help: "Calls to the Kubernetes API by verb, resource and HTTP status.",
    labelNames: ["verb", "resource", "code"],
    registers: [this.registry],
  });
  readonly driftCorrections = new Counter({
    name: "kestraflow_drift_corrections_total",
    help: "Drift found and corrected, by kind of resource and of drift.",
    labelNames: ["kind", "drift"],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** A gauge whose values are asked for when metrics are scraped. */
  observe(
    name: string,
    help: string,
    values: () => number | Iterable<readonly [labels: Record<string, string>, value: number]>,
  ): void {
    const labelled = values();
    const labelNames =
      typeof labelled === "number" ? [] : [...new Set([...labelled].flatMap(([labels]) => Object.keys(labels)))];
    new Gauge({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect() {
        this.reset();
        const current = values();
        if (typeof current === "number") this.set(current);
        else for (const [labels, value] of current) this.set(labels, value);
      },
    });
  }
}
