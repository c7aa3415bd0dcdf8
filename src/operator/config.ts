import { readFileSync } from "node:fs";
import { z } from "zod";
import { parseDuration } from "../lib/duration.ts";
import { NamespacePolicy } from "./policy.ts";

const Duration = z.string().transform((text, context) => {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined && milliseconds > 0) return milliseconds;
  context.addIssue("must be a duration like 500ms, 60s, 10m or 1h");
  return z.NEVER;
});

const List = z.string().transform((text) =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== ""),
);

const Count = z.coerce.number().int();

/** Kestra's address shows in logs and in the status of every resource. */
const Address = z
  .url({ protocol: /^https?$/, error: "must be an http or https address" })
  .refine((url) => !URL.canParse(url) || new URL(url).username + new URL(url).password === "", {
    error: "must not contain a login: give it as KESTRA_USERNAME and KESTRA_PASSWORD",
  });

/** What can be set, by environment variable; every variable is also a flag (KESTRA_URL is --kestra-url). */
export const Settings = z.object({
  KESTRA_URL: Address.describe("Address of Kestra"),
  KESTRA_USERNAME: z.string().min(1).optional().describe("Login, an e-mail address"),
  KESTRA_USERNAME_FILE: z.string().optional().describe("File with the login, read again when it changes"),
  KESTRA_PASSWORD: z.string().min(1).optional().describe("Password"),
  KESTRA_PASSWORD_FILE: z.string().optional().describe("File with the password, read again when it changes"),
  KESTRA_TENANT: z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9_-]*$/, "must be a word of letters, digits, - and _")
    .default("main")
    .describe("Tenant; the open-source edition has only main"),
  KESTRA_UI_URL: Address.optional().describe("Address of Kestra for people, in links; default: KESTRA_URL"),
  KESTRA_CA_FILE: z.string().optional().describe("PEM file of a private certificate authority"),
  KUBECONFIG: z
    .string()
    .optional()
    .describe("Kubeconfig file; default: as kubectl finds it, or the pod's service account"),
  KUBE_CONTEXT: z.string().optional().describe("Context of the kubeconfig"),
  WATCH_NAMESPACES: List.default([]).describe("Kubernetes namespaces to serve, by commas; default: all"),
  NAMESPACE_POLICY: NamespacePolicy.optional().describe(
    'JSON list of rules like {"from": ["team-*"], "to": ["team.*"]}: which Kubernetes namespaces may write to which Kestra namespaces',
  ),
  INSTANCE: z.string().min(1).default("default").describe("Name of this Kestra instance"),
  DELETION_POLICY: z.enum(["Delete", "Orphan"]).default("Delete").describe("For resources that do not say"),
  CONCURRENCY: Count.min(1).max(64).default(8).describe("Resources reconciled at the same time"),
  DRIFT_INTERVAL: Duration.prefault("60s").describe("Pause between two looks for drift"),
  REREAD_INTERVAL: Duration.prefault("1h").describe(
    "Time after which a flow or an entry is read again although nothing looks different",
  ),
  SECRET_POLL_INTERVAL: Duration.prefault("30s").describe(
    "Pause between two looks at a Secret that may be read but not watched",
  ),
  STALLED_RETRY_INTERVAL: Duration.prefault("10m").describe("Time after which a stalled resource is looked at again"),
  RECONCILE_DEADLINE: Duration.prefault("120s").describe("Longest time for one reconcile"),
  SHUTDOWN_GRACE: Duration.prefault("20s").describe("Time for work under way after SIGTERM"),
  LEADER_ELECTION: z.enum(["auto", "true", "false"]).default("auto").describe("auto: on in a cluster, off elsewhere"),
  LEASE_NAMESPACE: z.string().optional().describe("Namespace of the Lease; default: the pod's"),
  LEASE_NAME: z.string().default("kestraflow-operator").describe("Name of the Lease"),
  LEASE_DURATION: Duration.prefault("15s").describe(
    "Time after which another replica may take over a silent leader's place",
  ),
  HTTP_HOST: z.string().default("0.0.0.0").describe("Address for /healthz, /readyz and /metrics"),
  HTTP_PORT: Count.min(0).max(65_535).default(8080).describe("Port for /healthz, /readyz and /metrics; 0 chooses one"),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info").describe("Least level that is logged"),
});
export type Settings = z.infer<typeof Settings>;

/** The configuration cannot be used; the message names every variable at fault and never a value of one. */
export class InvalidSettings extends Error {}

/** What a connection to Kestra needs. */
export const KestraSettings = Settings.pick({
  KESTRA_URL: true,
  KESTRA_USERNAME: true,
  KESTRA_USERNAME_FILE: true,
  KESTRA_PASSWORD: true,
  KESTRA_PASSWORD_FILE: true,
  KESTRA_TENANT: true,
  KESTRA_CA_FILE: true,
});
export type KestraSettings = z.infer<typeof KestraSettings>;

/**
 * Reads the settings from variables; empty ones count as not given.
 *
 * @throws {InvalidSettings}
 */
export function parseSettings(variables: Readonly<Record<string, string | undefined>>): Settings {
  return parseVariables(Settings, variables);
}

/** The same for what a connection to Kestra needs; other variables do not count. */
export function parseKestraSettings(variables: Readonly<Record<string, string | undefined>>): KestraSettings {
  return parseVariables(KestraSettings, variables);
}

function parseVariables<T extends z.ZodType>(
  schema: T,
  variables: Readonly<Record<string, string | undefined>>,
): z.infer<T> {
  const given = Object.fromEntries(
    Object.entries(variables).filter(([, value]) => value !== undefined && value !== ""),
  );
  const parsed = schema.safeParse(given);
  const issues = (parsed.error?.issues ?? []).map(({ path, message, code }) => {
    const name = String(path[0]);
    const missing = code === "invalid_type" && given[name] === undefined;
    return `  ${name}: ${missing ? "is missing" : message}`;
  });
  const complaints = [...issues, ...loginComplaints(given)];
  if (parsed.success && complaints.length === 0) return parsed.data;
  throw new InvalidSettings(`The configuration cannot be used:\n${complaints.join("\n")}`);
}

/** Not a refinement of the schema: zod would say nothing of it while another variable is at fault. */
function loginComplaints(given: Readonly<Record<string, string | undefined>>): string[] {
  return ["KESTRA_USERNAME", "KESTRA_PASSWORD"]
    .filter((name) => (given[name] === undefined) === (given[`${name}_FILE`] === undefined))
    .map((name) => `  ${name}: give exactly one of ${name} and ${name}_FILE`);
}

/** Reads a file that a variable names. The error names the variable. */
export function readNamedFile(variable: string, path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new InvalidSettings(
      `${variable}: the file cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"})`,
    );
  }
}
