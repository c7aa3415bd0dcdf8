import { z } from "zod";
import { globs } from "../lib/glob.ts";

const Globs = z.array(z.string().min(1)).min(1);
const Rules = z.array(z.strictObject({ from: Globs, to: Globs }));

/** JSON text of the rules. An empty list denies everything. */
export const NamespacePolicy = z.string().transform((text, context) => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    context.addIssue("must be JSON");
    return z.NEVER;
  }
  const parsed = Rules.safeParse(json);
  if (parsed.success) return parsed.data;
  context.addIssue('must be a list of rules like {"from": ["team-*"], "to": ["team.*"]}');
  return z.NEVER;
});
export type NamespacePolicy = z.infer<typeof NamespacePolicy>;

/**
 * Which Kubernetes namespaces may write to which Kestra namespaces. Globs know `*` (any characters) and `?` (one).
 *
 * @param policy without one, everything is allowed
 * @returns why a write is refused, or undefined when it is allowed
 */
export function refusalOf(policy: NamespacePolicy | undefined): (from: string, to: string) => string | undefined {
  if (policy === undefined) return () => undefined;
  const rules = policy.map(({ from, to }) => ({ from: globs(from), to: globs(to) }));
  return (from, to) => {
    const allowed = rules.some((rule) => rule.from(from) && rule.to(to));
    if (allowed) return undefined;
    return `No rule of the operator's namespace policy lets the Kubernetes namespace ${from} write to the Kestra namespace ${to}: use another namespace, or have the policy extended.`;
  };
}
