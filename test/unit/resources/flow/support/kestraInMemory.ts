import type { Flows } from "../../../../../src/kestra/flows.ts";
import { KestraRejected, KestraUnreachable } from "../../../../../src/kestra/errors.ts";
import type { FlowIdentity, FlowItem, FlowValidation, StoredFlow } from "../../../../../src/kestra/types.ts";
import { parseYaml } from "../../../../../src/lib/yaml.ts";
import { identityKey } from "../../../../../src/resources/ownership/identity.ts";
import { withoutRevision } from "../../../../../src/resources/flow/source.ts";
import type { Change } from "../../support/world.ts";

/** A flow from its creation to its deletion. */
export interface Incarnation extends StoredFlow {
  /** Uids of the resources that made it, took it over by their policy, or were handed it. None: a person made it. */
  rights: Set<string>;
}

/** What Kestra does with flows, as far as reconciling depends on it. */
export class KestraInMemory implements Pick<Flows, "get" | "list" | "validate" | "create" | "update" | "delete"> {
  readonly stored = new Map<string, Incarnation>();
  readonly #revisions = new Map<string, number>();
  readonly #change: Change;
  down = false;

  constructor(change: Change) {
    this.#change = change;
  }

  get(identity: FlowIdentity): Promise<StoredFlow | undefined> {
    return this.#answer(() => this.stored.get(identityKey(identity)));
  }

  list(namespace: string): Promise<FlowItem[]> {
    return this.#answer(() =>
      [...this.stored.values()]
        .filter((flow) => flow.namespace === namespace)
        .map(({ id, revision, disabled }) => ({ id, namespace, revision, disabled })),
    );
  }

  validate(source: string): Promise<FlowValidation> {
    const verdict = { warnings: [], deprecationPaths: [] };
    if (source.includes("type: nope")) return this.#answer(() => ({ ...verdict, constraints: "Invalid type: nope" }));
    const { id, namespace } = headOf(source);
    return this.#answer(() => ({ ...verdict, flow: id, namespace }));
  }

  create(source: string): Promise<StoredFlow | "exists"> {
    const identity = { tenant: "main", ...headOf(source) };
    return this.#answer(() => {
      if (this.stored.has(identityKey(identity))) return "exists";
      return this.#change("create", identity, () => this.put(source));
    });
  }

  update(identity: FlowIdentity, source: string): Promise<StoredFlow | "missing"> {
    return this.#answer(() => {
      if (!this.stored.has(identityKey(identity))) throw new Error("a PUT of a missing flow has hung servers");
      if (identityKey(identity) !== identityKey({ tenant: "main", ...headOf(source) }))
        throw new KestraRejected(422, "Illegal flow id update");
      return this.#change("update", identity, () => this.put(source));
    });
  }

  delete(identity: FlowIdentity): Promise<void> {
    return this.#answer(() => {
      if (!this.stored.has(identityKey(identity))) return;
      this.#change("delete", identity, () => {
        this.remove(identity);
      });
    });
  }

  /** Saves a flow as Kestra does, whoever asks: a new revision unless nothing changed. */
  put(source: string): Incarnation {
    const { id, namespace, disabled } = headOf(source);
    const key = identityKey({ tenant: "main", namespace, id });
    const before = this.stored.get(key);
    if (before && withoutRevision(before.source) === withoutRevision(source)) return before;
    const revision = (this.#revisions.get(key) ?? 0) + 1;
    const after = { id, namespace, disabled, source, revision, rights: before?.rights ?? new Set<string>() };
    this.stored.set(key, after);
    this.#revisions.set(key, revision);
    return after;
  }

  remove(identity: FlowIdentity): void {
    const key = identityKey(identity);
    if (!this.stored.delete(key)) return;
    this.#revisions.set(key, (this.#revisions.get(key) ?? 0) + 1);
  }

  rightsTo(identity: FlowIdentity): Set<string> | undefined {
    return this.stored.get(identityKey(identity))?.rights;
  }

  async #answer<T>(effect: () => T): Promise<T> {
    await Promise.resolve();
    if (this.down) throw new KestraUnreachable("refused");
    return effect();
  }
}

function headOf(source: string): { id: string; namespace: string; disabled: boolean } {
  const parsed = parseYaml(source);
  if (!parsed.ok) throw new KestraRejected(422, parsed.message);
  const { id, namespace, disabled } = parsed.value as { id: string; namespace: string; disabled?: boolean };
  return { id, namespace, disabled: disabled ?? false };
}
