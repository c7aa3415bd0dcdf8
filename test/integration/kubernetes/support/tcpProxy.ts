import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

/** Stands between a client and a server, and passes on bytes without looking at them. */
export class TcpProxy {
  readonly port: number;
  readonly #server: Server;
  /** Both ends of every connection that is open. */
  readonly #open = new Set<[Socket, Socket]>();

  private constructor(server: Server, target: { host: string; port: number }) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (client: Socket) => {
      this.#join(client, connect(target));
    });
  }

  static async before(url: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(url);
    const server = createServer({ noDelay: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new TcpProxy(server, { host: hostname, port: Number(port) });
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#open.size;
  }

  /** Lets no byte through any more on the connections that are open, and tells neither side. Later ones are well. */
  freeze(): void {
    for (const sockets of this.#open) for (const socket of sockets) socket.unpipe().pause();
  }

  cut(): void {
    for (const sockets of this.#open) for (const socket of sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(client: Socket, server: Socket): void {
    const sockets: [Socket, Socket] = [client, server];
    this.#open.add(sockets);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        to.destroy();
        this.#open.delete(sockets);
      });
    }
  }
}
