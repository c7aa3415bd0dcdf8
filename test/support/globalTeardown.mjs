import { down } from "../../sandbox/sandbox.ts";

export default async function globalTeardown() {
  if (process.env.KESTRAFLOW_SANDBOX === `test-${process.pid}`) await down(process.env.KESTRAFLOW_SANDBOX);
}
