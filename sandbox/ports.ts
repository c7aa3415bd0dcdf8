import { createServer } from "node:net";

/** Below the ports that systems hand out to outgoing connections, so that a stopped server's port stays free for it. */
const [FIRST, LAST] = [18_000, 32_000];

/** Whether a server could listen on this loopback port now. */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    return await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen({ port, host: "127.0.0.1", exclusive: true }, () => resolve(true));
    });
  } finally {
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  }
}

/** A random port that is free now and not among those taken. It can be lost before it is used: retry with another then. */
export async function choosePort(
  taken: ReadonlySet<number>,
  random: () => number = Math.random,
  isFree: (port: number) => Promise<boolean> = isPortFree,
): Promise<number> {
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const port = FIRST + Math.floor(random() * (LAST - FIRST));
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free loopback port between ${FIRST} and ${LAST}`);
}
