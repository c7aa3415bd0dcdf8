/** A stored flow as Kestra answers it. */
export interface KestraFlowBody {
  id: string;
  namespace: string;
  revision: number;
  disabled: boolean;
  source: string;
}

/** A stored value as Kestra answers it. */
export interface KestraValue {
  type: string;
  value: unknown;
  /** The answer itself, with every digit of its numbers. */
  text: string;
}

/** An entry as Kestra lists it, without its value. */
export interface KestraEntry {
  key: string;
  version: number;
  description?: string;
  updateDate: string;
  expirationDate?: string;
}

/** The state of a trigger as Kestra lists it. */
export interface KestraTrigger {
  nextExecutionDate?: string;
  disabled: boolean;
  executionId?: string;
  backfill?: {
    start: string;
    end: string;
    currentDate: string;
    paused: boolean;
    labels?: { key: string; value: string }[];
    previousNextExecutionDate?: string;
  };
}

/** An execution as Kestra lists it. */
export interface KestraExecution {
  id: string;
  flowRevision: number;
  state: { current: string; startDate: string; endDate?: string };
  labels?: { key: string; value: string }[];
  inputs?: Record<string, unknown>;
  trigger?: { id: string; variables?: { date?: string } };
}

/** What a person does to Kestra in its user interface, done through its API; apart from the operator's own client on purpose. */
export class TestKestra {
  readonly url: string;
  readonly #authorization: string;

  constructor(url = process.env.KESTRA_URL ?? "", login = loginOfEnvironment()) {
    this.url = url.replace(/\/$/, "");
    this.#authorization = `Basic ${Buffer.from(login).toString("base64")}`;
  }

  async call(
    method: string,
    path: string,
    body?: string | FormData,
    contentType?: string,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return this.#send(method, `/api/v1/main${path}`, body, {
      ...headers,
      ...(contentType === undefined ? {} : { "Content-Type": contentType }),
    });
  }

  /** Stores executions as they are, in Kestra's own form and at once. Only our engine server can: Kestra has nothing like it. */
  async seedExecutions(executions: object[]): Promise<void> {
    const body = JSON.stringify(executions);
    await ok(await this.#send("POST", "/engine/seed/executions", body, { "Content-Type": "application/json" }));
  }

  #send(method: string, path: string, body: string | FormData | undefined, headers: Record<string, string>) {
    return fetch(`${this.url}${path}`, {
      method,
      // A connection of its own: one that is used again and again would stay where the address led when it was made.
      headers: { ...headers, Authorization: this.#authorization, Connection: "close" },
      body: body ?? null,
    });
  }

  /** The flow, or undefined where there is none. */
  async flow(namespace: string, id: string): Promise<KestraFlowBody | undefined> {
    const response = await this.call("GET", `/flows/${namespace}/${id}?source=true`);
    if (response.status === 404) return undefined;
    return (await ok(response)).json() as Promise<KestraFlowBody>;
  }

  async flows(namespace: string): Promise<KestraFlowBody[]> {
    return (await ok(await this.call("GET", `/flows/${namespace}`))).json() as Promise<KestraFlowBody[]>;
  }

  async create(source: string): Promise<KestraFlowBody> {
    return (
      await ok(await this.call("POST", "/flows", source, "application/x-yaml"))
    ).json() as Promise<KestraFlowBody>;
  }

  async edit(namespace: string, id: string, source: string): Promise<KestraFlowBody> {
    const response = await this.call("PUT", `/flows/${namespace}/${id}`, source, "application/x-yaml");
    return (await ok(response)).json() as Promise<KestraFlowBody>;
  }

  async delete(namespace: string, id: string): Promise<void> {
    await ok(await this.call("DELETE", `/flows/${namespace}/${id}`));
  }

  /** As the "disable" button does it: the source gets a line and the revision grows. */
  async disable(namespace: string, id: string): Promise<void> {
    await ok(await this.call("POST", "/flows/disable/by-ids", JSON.stringify([{ id, namespace }]), "application/json"));
  }

  /** The value of an entry, or undefined where there is none. Reading one that has expired deletes it. */
  async value(namespace: string, key: string): Promise<KestraValue | undefined> {
    const response = await this.call("GET", `/namespaces/${namespace}/kv/${key}`);
    if (response.status === 404 || response.status === 410) return undefined;
    const text = await (await ok(response)).text();
    const { type, value = null } = JSON.parse(text) as { type: string; value?: unknown };
    return { type, value, text };
  }

  /** The entries of a namespace that have not expired. */
  async entries(namespace: string): Promise<KestraEntry[]> {
    const response = await this.call("GET", `/kv?page=1&size=1000&filters[namespace][EQUALS]=${namespace}`);
    return ((await (await ok(response)).json()) as { results: KestraEntry[] }).results;
  }

  /** @param headers description and ttl: what is left out is cleared */
  async putEntry(namespace: string, key: string, ion: string, headers: Record<string, string> = {}): Promise<void> {
    await ok(await this.call("PUT", `/namespaces/${namespace}/kv/${key}`, ion, "text/plain", headers));
  }

  async deleteEntry(namespace: string, key: string): Promise<void> {
    await ok(await this.call("DELETE", `/namespaces/${namespace}/kv/${key}`));
  }

  /** Starts an execution and returns its id. */
  async execute(namespace: string, id: string, inputs: Record<string, string> = {}): Promise<string> {
    const form = new FormData();
    for (const [name, value] of Object.entries(inputs)) form.set(name, value);
    const response = await ok(await this.call("POST", `/executions/${namespace}/${id}`, form));
    return ((await response.json()) as { id: string }).id;
  }

  async deleteExecution(id: string): Promise<void> {
    await ok(await this.call("DELETE", `/executions/${id}`));
  }

  async execution(id: string): Promise<{ state: { current: string }; inputs?: Record<string, unknown> }> {
    return (await ok(await this.call("GET", `/executions/${id}`))).json() as never;
  }

  /** The state of a trigger; undefined where there is none. */
  async trigger(namespace: string, flow: string, trigger: string): Promise<KestraTrigger | undefined> {
    const response = await ok(await this.call("GET", `/triggers/${namespace}/${flow}?size=100`));
    const { results } = (await response.json()) as { results: (KestraTrigger & { triggerId: string })[] };
    return results.find(({ triggerId }) => triggerId === trigger);
  }

  /** Starts a backfill as the button in Kestra's user interface does: one that runs is replaced. */
  async startBackfill(
    [namespace, flowId, triggerId]: readonly [string, string, string],
    backfill: { start: string; end: string; labels?: { key: string; value: string }[]; paused?: boolean },
  ): Promise<KestraTrigger> {
    const body = JSON.stringify({ namespace, flowId, triggerId, backfill });
    return (await ok(await this.call("PUT", "/triggers", body, "application/json"))).json() as Promise<KestraTrigger>;
  }

  /** Pauses, resumes or deletes the backfill that a trigger has. */
  async changeBackfill(
    [namespace, flowId, triggerId]: readonly [string, string, string],
    change: "pause" | "unpause" | "delete",
  ): Promise<void> {
    const body = JSON.stringify({ tenantId: "main", namespace, flowId, triggerId });
    const method = change === "delete" ? "POST" : "PUT";
    await ok(await this.call(method, `/triggers/backfill/${change}`, body, "application/json"));
  }

  /** Switches a trigger off or on, as the switch in Kestra's user interface does. */
  async setDisabled(
    [namespace, flowId, triggerId]: readonly [string, string, string],
    disabled: boolean,
  ): Promise<void> {
    const body = JSON.stringify({ namespace, flowId, triggerId, disabled });
    await ok(await this.call("PUT", "/triggers", body, "application/json"));
  }

  /** All executions of a flow, oldest first. */
  async executions(namespace: string, flow: string): Promise<KestraExecution[]> {
    const all: KestraExecution[] = [];
    for (let page = 1; ; page += 1) {
      const query = `page=${page}&size=100&sort=state.startDate:asc&filters[namespace][EQUALS]=${namespace}&filters[flowId][EQUALS]=${flow}`;
      const response = await ok(await this.call("GET", `/executions/search?${query}`));
      const { results, total } = (await response.json()) as { results: KestraExecution[]; total: number };
      all.push(...results);
      if (all.length >= total || results.length === 0) return all;
    }
  }
}

async function ok(response: Response): Promise<Response> {
  if (response.ok) return response;
  throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
}

function loginOfEnvironment(): string {
  return `${process.env.KESTRA_USERNAME ?? ""}:${process.env.KESTRA_PASSWORD ?? ""}`;
}
