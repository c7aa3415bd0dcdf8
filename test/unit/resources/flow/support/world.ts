import type { KestraClient } from "../../../../../src/kestra/client.ts";
import { canonicalJson } from "../../../../../src/lib/digest.ts";
import { parseYaml } from "../../../../../src/lib/yaml.ts";
import { controlledFlows } from "../../../../../src/operator/flows.ts";
import { projectFlow } from "../../../../../src/resources/flow/cache.ts";
import type { CachedFlow } from "../../../../../src/resources/flow/cache.ts";
import { kestraFlows } from "../../../../../src/resources/flow/schema.ts";
import type { FlowSpec, FlowStatus } from "../../../../../src/resources/flow/schema.ts";
import { withoutRevision } from "../../../../../src/resources/flow/source.ts";
import { identityKey } from "../../../../../src/resources/ownership/identity.ts";
import type { Identity } from "../../../../../src/resources/ownership/identity.ts";
import { World } from "../../support/world.ts";
import type { Resource } from "../../support/kubernetesInMemory.ts";
import { KestraInMemory } from "./kestraInMemory.ts";

/** A world of flows. */
export class FlowWorld extends World<CachedFlow, FlowSpec, FlowStatus> {
  readonly kestra = new KestraInMemory(this.change);
  readonly client = { flows: this.kestra } as unknown as KestraClient;

  constructor() {
    super({
      type: kestraFlows,
      project: projectFlow,
      control: (kestra, _secrets, events) => controlledFlows(kestra, events),
    });
  }

  applyConfigMap(name: string, text: string): void {
    this.changeConfigMap(name, { flow: text });
  }

  protected override wanted({ spec: { source, flow } }: Resource<FlowSpec, FlowStatus>): Identity | undefined {
    const parsed = source === undefined ? undefined : parseYaml(source);
    const declared = (flow ?? (parsed?.ok ? parsed.value : undefined)) as Identity | undefined;
    return declared && { ...declared, tenant: "main" };
  }

  protected override isIdentical({ spec }: Resource<FlowSpec, FlowStatus>, identity: Identity): boolean {
    const { source, flow, sourceFrom } = spec;
    const stored = this.kestra.stored.get(identityKey(identity))?.source ?? "";
    if (flow) {
      const parsed = parseYaml(stored);
      return parsed.ok && canonicalJson(parsed.value) === canonicalJson(flow);
    }
    const name = sourceFrom?.configMapKeyRef.name ?? "";
    const text = source ?? this.kubernetes.configMaps.get(`team/${name}`)?.data.flow;
    return text !== undefined && withoutRevision(text) === withoutRevision(stored);
  }

  protected override shown(): object {
    const flows = [...this.kestra.stored].map(([key, { source }]) => [key, parseYaml(source)]);
    return Object.fromEntries(flows.sort()) as object;
  }
}
