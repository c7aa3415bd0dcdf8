import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { readAudit } from "../../sandbox/kind/audit.ts";
import type { AuditEvent } from "../../sandbox/kind/audit.ts";
import { ensureDocker } from "../../sandbox/kind/dockerEngine.ts";
import { backfillLives, entryLives, flowLives } from "../integration/lives.ts";
import { kubectl, TestNamespace, uniqueName } from "../support/cluster.ts";
import { rightFor, rightsOf } from "../support/rights.ts";
import type { Rule } from "../support/rights.ts";
import { installed, installOperator, OPERATOR, options, state } from "./installation.ts";

jest.setTimeout(300_000);

const ACCOUNT = `system:serviceaccount:${OPERATOR.namespace}:kestraflow-kestraflow-operator`;
const NOBODY = "system:serviceaccount:default:nobody";
const place = uniqueName("e2e-rights");
let namespace: TestNamespace;

beforeAll(async () => {
  await installed();
  // What people do in Kestra is put right within the patience of the tests that follow.
  await installOperator("--set", "operator.driftInterval=1s");
  namespace = await TestNamespace.create("e2e-rights");
}, 600_000);

afterAll(async () => {
  await installOperator();
  await kubectl(["delete", "kestraflows", "--namespace", namespace.name, "--all", "--timeout=60s"]);
  await namespace.destroy();
}, 300_000);

/** What an account may do in a namespace, as `kubectl auth can-i --list` asks it. */
async function rightsIn(namespace: string, account: string): Promise<string[]> {
  const review = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectRulesReview", spec: { namespace } };
  const args = ["create", "--as", account, "--validate=false", "--output", "json", "--filename", "-"];
  const { status } = JSON.parse(await kubectl(args, JSON.stringify(review))) as { status: { resourceRules: Rule[] } };
  return rightsOf(status.resourceRules);
}

function rightNeeded({ verb, objectRef }: AuditEvent): string {
  const { apiGroup: group, resource, subresource } = objectRef ?? { resource: "" };
  return rightFor({ verb, group, resource, subresource });
}

test("the operator's account has the rights that it uses, by the API server's own record, and no other", async () => {
  await flowLives(namespace, place);
  await entryLives(namespace, place);
  await backfillLives(namespace, place);

  const events = await readAudit(await ensureDocker(options), state.name, ACCOUNT);
  const onObjects = events.filter(({ objectRef }) => objectRef !== undefined);
  // A pod can be there sooner than the API server knows of its rights: what is refused then is tried again.
  const isRefused = ({ responseStatus }: AuditEvent) => responseStatus?.code === 403;
  const used = new Set(onObjects.filter((event) => !isRefused(event)).map(rightNeeded));
  expect(onObjects.filter((event) => isRefused(event) && !used.has(rightNeeded(event)))).toEqual([]);
  const everybodys = await rightsIn(OPERATOR.namespace, NOBODY);
  const granted = new Set<string>();
  for (const where of [OPERATOR.namespace, namespace.name])
    for (const right of await rightsIn(where, ACCOUNT)) if (!everybodys.includes(right)) granted.add(right);
  expect([...used].toSorted()).toEqual([...granted].toSorted());
});
