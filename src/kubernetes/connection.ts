import { HttpMethod, KubeConfig, RequestContext } from "@kubernetes/client-node";
import { Readable } from "node:stream";
import { request, type Dispatcher } from "undici";

/** How long credentials are used before client-node is asked for them again. */
const CREDENTIALS_MS = 10_000;
/** How old the configuration must be before a failed connection casts doubt on it. */
const RELOAD_MS = 60_000;

interface Credentials {
  headers: Record<string, string>;
  /** Missing where nothing about the connection is special: undici's own is used then. */
  dispatcher: Dispatcher | undefined;
  until: number;
}

export interface RawRequest {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query. */
  path: string;
  headers: Record<string, string>;
  body?: string | undefined;
  /** Asked when a connection is open and the body about to be written: throwing keeps the request unsent. */
  fence?: (() => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Longest wait for the head of the answer, in milliseconds; 0: no limit. */
  headMs: number;
  /** Longest pause between two pieces of the answer's body, in milliseconds; 0: no limit. */
  quietMs: number;
  /** Whether it may share a connection with others of its kind. A limit that it exceeds has the connection tested. */
  multiplexed?: boolean | undefined;
}

/** Loads the configuration that a Kubernetes client is expected to find. Throws when there is none. */
export function loadKubeConfig(options: { kubeconfig?: string | undefined; context?: string | undefined }): KubeConfig {
  const config = new KubeConfig();
  if (options.kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(options.kubeconfig);
  // client-node's last resort, a server on localhost:8080, would be found out much later.
  if (config.getCurrentContext() === "loaded-context") {
    throw new Error("No Kubernetes configuration found: pass a kubeconfig, set KUBECONFIG, or run inside a cluster.");
  }
  if (options.context !== undefined) config.setCurrentContext(options.context);
  if (config.getCurrentCluster() === null) {
    throw new Error(`The kubeconfig has no cluster for the context "${config.getCurrentContext()}": choose another.`);
  }
  return config;
}

/**
 * Sends requests to one API server, with client-node's configuration and authentication, over undici's connections.
 *
 * client-node makes a dispatcher, and thereby a TLS connection, for every request. Here the first one is kept until the
 * configuration is loaded anew: after a 401, as tokens and certificates are rotated, and now and then while connections
 * fail, as so are certificate authorities and addresses.
 */
export class Connection {
  readonly #load: () => KubeConfig;
  #config: KubeConfig;
  #loadedAt = performance.now();
  #credentials: Credentials | undefined;

  constructor(load: () => KubeConfig) {
    this.#load = load;
    this.#config = load();
  }

  get kubeConfig(): KubeConfig {
    return this.#config;
  }

  /** Rejects with undici's errors, with what the fence threw, or with the signal's reason. Follows no redirect. */
  async send(call: RawRequest): Promise<Dispatcher.ResponseData> {
    const credentials = await this.#authenticate();
    const response = await this.#sendWith(credentials, call).catch((error: unknown) => {
      if (performance.now() - this.#loadedAt > RELOAD_MS) this.#reload();
      throw error;
    });
    if (response.statusCode !== 401) return response;
    await response.body.dump();
    if (this.#credentials === credentials) this.#reload();
    return this.#sendWith(await this.#authenticate(), call);
  }

  /** Cuts every open connection. */
  async close(): Promise<void> {
    await this.#credentials?.dispatcher?.destroy();
    this.#credentials = undefined;
  }

  #sendWith(credentials: Credentials, call: RawRequest): Promise<Dispatcher.ResponseData> {
    const { body, fence } = call;
    const options = {
      method: call.method,
      headers: { ...credentials.headers, ...call.headers },
      body: body === undefined ? null : fence === undefined ? body : fenced(body, fence),
      headersTimeout: call.headMs,
      bodyTimeout: call.quietMs,
      // One request per connection, as a rule: a half-open connection then stalls one call, not all of them.
      ...(call.multiplexed ? {} : { allowH2: false }),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
      ...(credentials.dispatcher === undefined ? {} : { dispatcher: credentials.dispatcher }),
    };
    return request(this.#server() + call.path, options);
  }

  async #authenticate(): Promise<Credentials> {
    const known = this.#credentials;
    if (known !== undefined && performance.now() < known.until) return known;
    const config = this.#config;
    const context = new RequestContext(this.#server(), HttpMethod.GET);
    await config.applySecurityAuthentication(context);
    // Several calls may have come here at the same time: all take the first one's dispatcher.
    const dispatcher = this.#credentials?.dispatcher ?? context.getDispatcher();
    const fresh = { headers: context.getHeaders(), dispatcher, until: performance.now() + CREDENTIALS_MS };
    if (config === this.#config) this.#credentials = fresh;
    return fresh;
  }

  #reload(): void {
    this.#loadedAt = performance.now();
    try {
      this.#config = this.#load();
    } catch {
      // The file is being written, or gone for good: what we have is the best there is.
      return;
    }
    // Calls under way, watches too, may finish on the old connections.
    void this.#credentials?.dispatcher?.close();
    this.#credentials = undefined;
  }

  #server(): string {
    return (this.#config.getCurrentCluster()?.server ?? "").replace(/\/+$/, "");
  }
}

/**
 * undici draws on the body once it holds an open connection, and has sent nothing before. The whole body is there at once, so
 * that it goes out with its head in one write, whose length is known: nothing of a request is left to be sent later.
 */
function fenced(body: string, fence: () => void): Readable {
  return new Readable({
    read() {
      try {
        fence();
      } catch (error) {
        this.destroy(error as Error);
        return;
      }
      this.push(body);
      this.push(null);
    },
  });
}
