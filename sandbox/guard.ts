// Takes a sandbox down when the process that it is tied to ends, however it ends. Recorded with the sandbox, so that `down`
// ends it. Usage: node sandbox/guard.ts NAME PID START
import { poll } from "./polling.ts";
import { isRunning } from "./processIdentity.ts";

const [name = "", pid, start = ""] = process.argv.slice(2);
// Whoever wants to end the process's group, such as a terminal, may mean the guard too; its work comes after.
process.on("SIGHUP", () => undefined);
await poll(() => !isRunning({ pid: Number(pid), start }), { timeout: Infinity, every: 500 });
// Loaded only now: the guard is small while it waits.
const { down } = await import("./sandbox.ts");
await down(name);
