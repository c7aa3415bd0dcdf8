import type { Metadata } from "../../../../../src/kubernetes/objects.ts";
import type { FlowIdentity, FlowValidation, StoredFlow } from "../../../../../src/kestra/types.ts";
import { FINALIZER } from "../../../../../src/resources/annotations.ts";
import { projectFlow } from "../../../../../src/resources/flow/cache.ts";
import { writeClaim } from "../../../../../src/resources/ownership/claim.ts";
import type { Observed } from "../../../../../src/resources/flow/model.ts";
import type { FlowSpec, FlowStatus } from "../../../../../src/resources/flow/schema.ts";
import { fromObject, fromText, textDigest } from "../../../../../src/resources/flow/source.ts";
import type { Desired } from "../../../../../src/resources/flow/source.ts";
import { ready, settings, UID, up } from "../../support/observed.ts";

export * from "../../support/observed.ts";

export const valid = (id = "hello"): FlowValidation => ({
  flow: id,
  namespace: "n",
  warnings: [],
  deprecationPaths: [],
});

export function identity(id = "hello"): FlowIdentity {
  return { tenant: "main", namespace: "n", id };
}

export function textOf(id = "hello", message = "hi"): string {
  return `id: ${id}\nnamespace: n\ntasks:\n  - id: log\n    type: Log\n    message: ${message}\n`;
}

export function treeOf(id = "hello", message = "hi"): Record<string, unknown> {
  return { id, namespace: "n", tasks: [{ id: "log", type: "Log", message }] };
}

export function desired(text = textOf()): Desired {
  return fromText(text, "main") as Desired;
}

/** The same without its text, as it comes from the status of a resource in sync. */
export function remembered(text = textOf()): Desired {
  const { identity, digest } = desired(text);
  return { identity, digest };
}

export function desiredTree(tree = treeOf()): Desired {
  return fromObject(tree, "main") as Desired;
}

export function stored(source = textOf(), more: Partial<StoredFlow> = {}): StoredFlow {
  const { identity } = desired(source);
  return { id: identity.id, namespace: identity.namespace, revision: 3, disabled: false, source, ...more };
}

/** A status that records a flow as ours. */
export function recorded(text = textOf(), more: Partial<FlowStatus> = {}): FlowStatus {
  const { identity, digest } = desired(text);
  return {
    observedGeneration: 1,
    flow: { ...identity, revision: 3, url: "http://kestra/ui/main/flows/edit/n/hello" },
    applied: { digest },
    conditions: [ready("True", "Synced")],
    ...more,
  };
}

/** Metadata that claims a flow: of exactly this text, or without one whatever it holds. */
export function claiming(id: string, text?: string): Partial<Metadata> {
  const digest = text === undefined ? undefined : textDigest(text);
  return { finalizers: [FINALIZER], annotations: writeClaim(UID, identity(id), digest) };
}

type Facts = { [fact in keyof Omit<Observed, "object">]?: Observed[fact] | undefined };

export interface Situation extends Facts {
  metadata?: Partial<Metadata>;
  spec?: Partial<FlowSpec>;
  status?: FlowStatus;
}

/** A resource that declares the flow n/hello; nothing was read, and nobody else is there. */
export function observed({ metadata, spec, status, ...facts }: Situation = {}): Observed {
  const object = projectFlow({
    apiVersion: "kestraflow.dev/v1alpha1",
    kind: "KestraFlow",
    metadata: {
      name: "ours",
      namespace: "team",
      uid: UID,
      resourceVersion: "7",
      generation: 1,
      creationTimestamp: "2026-01-02T00:00:00Z",
      ...metadata,
    },
    spec: { source: textOf(), ...spec },
    ...(status ? { status } : {}),
  } as Parameters<typeof projectFlow>[0]);
  return {
    object,
    noun: "flow",
    settings,
    server: up,
    claimantsOf: () => [],
    mustLook: () => false,
    desired: desired(),
    leftBehind: new Set(),
    acts: [],
    ...facts,
  } as Observed;
}
