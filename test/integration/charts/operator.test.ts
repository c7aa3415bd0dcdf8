import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, jest, test } from "@jest/globals";
import { load } from "js-yaml";
import { parseSettings, Settings } from "../../../src/operator/config.ts";
import { root } from "../../support/cluster.ts";
import { chart, helm, only, render, REQUIRED, template, WITHOUT_CRDS } from "./helm.ts";
import type { Rendered, Values } from "./helm.ts";

jest.setTimeout(60_000);

interface Container {
  image: string;
  imagePullPolicy: string;
  args?: string[];
  env: { name: string; value?: string }[];
  volumeMounts: { name: string; mountPath: string; subPath?: string }[];
  resources: object;
  securityContext: object;
}

interface PodSpec {
  serviceAccountName: string;
  containers: [Container];
  volumes: Record<string, unknown>[];
  [field: string]: unknown;
}

interface Deployment extends Rendered {
  spec: {
    replicas: number;
    strategy?: object;
    selector: { matchLabels: Record<string, string> };
    template: { metadata: { labels: Record<string, string>; annotations: Record<string, string> }; spec: PodSpec };
  };
}

const NAME = "release-kestraflow-operator";
const CLUSTER_NAME = `ops:${NAME}`;

const objectsOf = (values: Values): Promise<Rendered[]> => render("kestraflow-operator", merged(values));

/** The pod and its container as the values make them. */
async function podOf(values: Values): Promise<PodSpec> {
  return only<Deployment>(await objectsOf(values), "Deployment").spec.template.spec;
}

async function environmentOf(values: Values): Promise<Record<string, string | undefined>> {
  const { containers } = await podOf(values);
  return Object.fromEntries(containers[0].env.map(({ name, value }) => [name, value]));
}

/** What Helm says when it refuses the values. */
async function refusalOf(values: Values): Promise<string> {
  return template("kestraflow-operator", values).then(
    () => "",
    (error: unknown) => (error as { stderr: string }).stderr,
  );
}

/** The required values with others over them, map by map. */
function merged(values: Values): Values {
  const over = (below: Values, above: Values): Values =>
    Object.fromEntries(
      [...new Set([...Object.keys(below), ...Object.keys(above)])].map((key) => {
        const [low, high] = [below[key], above[key]];
        if (!(key in above)) return [key, low];
        return [key, isMap(low) && isMap(high) ? over(low, high) : high];
      }),
    );
  return over(WITHOUT_CRDS, values);
}

function isMap(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const summary = (objects: Rendered[]): string[] =>
  objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? "-"}/${metadata.name}`).toSorted();

describe("helm lint", () => {
  test("has nothing to say", async () => {
    const text = await helm(["lint", "--strict", chart("kestraflow-operator")], REQUIRED);
    expect(text).toContain("0 chart(s) failed");
    expect(text).not.toMatch(/WARNING|ERROR/);
  });

  test("the chart has the version of the package, and a schema for each value", async () => {
    const read = async (name: string) => readFile(join(chart("kestraflow-operator"), name), "utf8");
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
    expect(load(await read("Chart.yaml"))).toMatchObject({ version, appVersion: version });
    const schema = JSON.parse(await read("values.schema.json")) as Schema;
    expect(withoutSchema(load(await read("values.yaml")) as Values, schema)).toEqual([]);
  });
});

interface Schema {
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
}

/** Values that the schema does not name. Free maps end the search. */
function withoutSchema(values: Values, { properties }: Schema, path = ""): string[] {
  if (properties === undefined) return [];
  return Object.entries(values).flatMap(([key, value]) => {
    const schema = properties[key];
    if (schema === undefined) return [`${path}${key}`];
    return isMap(value) ? withoutSchema(value, schema, `${path}${key}.`) : [];
  });
}

describe("without further values", () => {
  let objects: Rendered[];
  let deployment: Deployment;
  beforeAll(async () => {
    objects = await render("kestraflow-operator", REQUIRED);
    deployment = only<Deployment>(objects, "Deployment");
  });

  test("this is installed", () => {
    expect(summary(objects)).toEqual(
      [
        `ClusterRole -/${CLUSTER_NAME}`,
        `ClusterRole -/${CLUSTER_NAME}:edit`,
        `ClusterRole -/${CLUSTER_NAME}:view`,
        `ClusterRoleBinding -/${CLUSTER_NAME}`,
        "CustomResourceDefinition -/backfills.kestraflow.dev",
        "CustomResourceDefinition -/kestraflows.kestraflow.dev",
        "CustomResourceDefinition -/kestrakvs.kestraflow.dev",
        `Deployment ops/${NAME}`,
        `Pod ops/${NAME}-test`,
        `PodDisruptionBudget ops/${NAME}`,
        `Role ops/${NAME}-leader-election`,
        `RoleBinding ops/${NAME}-leader-election`,
        `Service ops/${NAME}`,
        `ServiceAccount ops/${NAME}`,
      ].toSorted(),
    );
  });

  test("two replicas are elected among", async () => {
    expect(deployment.spec.replicas).toBe(2);
    expect(deployment.spec.strategy).toBeUndefined();
    expect(await environmentOf({})).toMatchObject({ LEADER_ELECTION: "true", LEASE_NAMESPACE: "ops", LEASE_NAME: NAME });
    expect(only(objects, "Role").rules).toEqual([
      { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
      { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "update"], resourceNames: [NAME] },
    ]);
    expect(only(objects, "PodDisruptionBudget").spec).toMatchObject({
      maxUnavailable: 1,
      selector: deployment.spec.selector,
    });
  });

  test("the operator takes its environment, and has the same defaults without it", async () => {
    const environment = await environmentOf({});
    const fromChart = parseSettings(environment);
    const { KESTRA_URL, KESTRA_USERNAME_FILE, KESTRA_PASSWORD_FILE } = environment;
    const own = parseSettings({ KESTRA_URL, KESTRA_USERNAME_FILE, KESTRA_PASSWORD_FILE });
    const { LEADER_ELECTION, LEASE_NAMESPACE, LEASE_NAME, ...rest } = fromChart;
    expect({ LEADER_ELECTION, LEASE_NAMESPACE, LEASE_NAME }).toEqual({
      LEADER_ELECTION: "true",
      LEASE_NAMESPACE: "ops",
      LEASE_NAME: NAME,
    });
    expect(rest).toEqual({ ...own, LEADER_ELECTION: undefined, LEASE_NAME: undefined, LEASE_NAMESPACE: undefined });
  });

  test("pods and Service have the selector's labels, the pod of helm test has not", () => {
    const { matchLabels } = deployment.spec.selector;
    expect(deployment.spec.template.metadata.labels).toMatchObject(matchLabels);
    expect(only<{ spec: { selector: object } }>(objects, "Service").spec.selector).toEqual(matchLabels);
    expect(only(objects, "Pod").metadata.labels).not.toMatchObject(matchLabels);
  });

  test("the login is mounted as a folder, so that it follows its Secret", () => {
    const { containers, volumes } = deployment.spec.template.spec;
    expect(containers[0].volumeMounts).toEqual([
      { name: "login", mountPath: "/etc/kestraflow/login", readOnly: true },
    ]);
    expect(volumes).toEqual([
      {
        name: "login",
        secret: {
          secretName: "kestra-login",
          defaultMode: 0o440,
          items: [
            { key: "username", path: "username" },
            { key: "password", path: "password" },
          ],
        },
      },
    ]);
  });
});

describe("settings", () => {
  /** Each setting that a value gives, with a value that is not its default. */
  const given: Record<string, { values: Values; text: string }> = {
    KESTRA_URL: { values: { kestra: { url: "https://kestra.example.com/base" } }, text: "https://kestra.example.com/base" },
    KESTRA_UI_URL: { values: { kestra: { uiUrl: "https://ui.example.com" } }, text: "https://ui.example.com" },
    KESTRA_TENANT: { values: { kestra: { tenant: "other" } }, text: "other" },
    KESTRA_CA_FILE: { values: { kestra: { ca: { configMap: "ca" } } }, text: "/etc/kestraflow/ca/ca.crt" },
    WATCH_NAMESPACES: { values: { watchNamespaces: ["team-a", "team-b"] }, text: "team-a,team-b" },
    NAMESPACE_POLICY: {
      values: { namespacePolicy: [{ from: ["team-*"], to: ["team.*", 'a"b'] }] },
      text: '[{"from":["team-*"],"to":["team.*","a\\"b"]}]',
    },
    INSTANCE: { values: { operator: { instance: "second" } }, text: "second" },
    DELETION_POLICY: { values: { operator: { deletionPolicy: "Orphan" } }, text: "Orphan" },
    CONCURRENCY: { values: { operator: { concurrency: 3 } }, text: "3" },
    DRIFT_INTERVAL: { values: { operator: { driftInterval: "5m" } }, text: "5m" },
    REREAD_INTERVAL: { values: { operator: { rereadInterval: "2h" } }, text: "2h" },
    SECRET_POLL_INTERVAL: { values: { operator: { secretPollInterval: "1.5m" } }, text: "1.5m" },
    STALLED_RETRY_INTERVAL: { values: { operator: { stalledRetryInterval: "1h" } }, text: "1h" },
    RECONCILE_DEADLINE: { values: { operator: { reconcileDeadline: "30s" } }, text: "30s" },
    SHUTDOWN_GRACE: { values: { operator: { shutdownGrace: "500ms" } }, text: "500ms" },
    LOG_LEVEL: { values: { operator: { logLevel: "debug" } }, text: "debug" },
    LEADER_ELECTION: { values: { leaderElection: { enabled: false }, replicas: 1 }, text: "false" },
    LEASE_NAME: { values: { leaderElection: { leaseName: "one" } }, text: "one" },
    LEASE_DURATION: { values: { leaderElection: { leaseDuration: "30s" } }, text: "30s" },
  };
  /** Given by the chart itself, or of no use in a pod. */
  const NO_VALUE = [
    ...["KESTRA_USERNAME", "KESTRA_USERNAME_FILE", "KESTRA_PASSWORD", "KESTRA_PASSWORD_FILE"],
    ...["KUBECONFIG", "KUBE_CONTEXT", "HTTP_HOST", "HTTP_PORT", "LEASE_NAMESPACE"],
  ];

  test("each has a value in the chart", () => {
    expect([...Object.keys(given), ...NO_VALUE].toSorted()).toEqual(Object.keys(Settings.shape).toSorted());
  });

  test.each(Object.entries(given))("%s", async (name, { values, text }) => {
    const environment = await environmentOf(values);
    expect(environment[name]).toBe(text);
    expect(() => parseSettings(environment)).not.toThrow();
  });

  test.each(Object.keys(Settings.shape))("%s cannot be given by extraEnv", async (name) => {
    expect(await refusalOf(merged({ extraEnv: [{ name, value: "1" }] }))).toContain(
      `extraEnv: ${name} is a setting of the operator`,
    );
  });

  test("anything else can be given by extraEnv", async () => {
    expect(await environmentOf({ extraEnv: [{ name: "NODE_OPTIONS", value: "--trace-warnings" }] })).toMatchObject({
      NODE_OPTIONS: "--trace-warnings",
      KESTRA_TENANT: "main",
    });
  });

  test("an empty namespace policy refuses everything, which is not the same as none", async () => {
    expect((await environmentOf({ namespacePolicy: [] })).NAMESPACE_POLICY).toBe("[]");
    expect(await environmentOf({ namespacePolicy: null })).not.toHaveProperty("NAMESPACE_POLICY");
  });
});

describe("the login", () => {
  test("is put into a Secret where it is given as values", async () => {
    const objects = await objectsOf({ kestra: { existingSecret: "", username: "me@example.com", password: "p: #'\"1" } });
    const secret = only<Rendered & { stringData: object }>(objects, "Secret");
    expect(secret).toMatchObject({
      metadata: { name: `${NAME}-login`, namespace: "ops" },
      stringData: { username: "me@example.com", password: "p: #'\"1" },
    });
    const { volumes, containers } = only<Deployment>(objects, "Deployment").spec.template.spec;
    expect(volumes[0]).toMatchObject({ secret: { secretName: `${NAME}-login` } });
    expect(JSON.stringify(containers)).not.toContain("me@example.com");
  });

  test("is read under the keys that an existing Secret has", async () => {
    const { volumes } = await podOf({ kestra: { usernameKey: "user", passwordKey: "pass" } });
    expect(volumes[0]).toMatchObject({
      secret: { items: [{ key: "user", path: "username" }, { key: "pass", path: "password" }] },
    });
    expect(only.bind(undefined, await objectsOf({}), "Secret")).toThrow();
  });
});

describe("a private authority", () => {
  test.each([
    [{ configMap: "bundle", key: "root.pem" }, { configMap: { name: "bundle", items: [{ key: "root.pem", path: "ca.crt" }] } }],
    [{ secret: "bundle" }, { secret: { secretName: "bundle", items: [{ key: "ca.crt", path: "ca.crt" }] } }],
  ])("%j is mounted", async (ca, volume) => {
    const { volumes, containers } = await podOf({ kestra: { ca } });
    expect(volumes).toContainEqual({ name: "ca", ...volume });
    expect(containers[0].volumeMounts).toContainEqual({ name: "ca", mountPath: "/etc/kestraflow/ca", readOnly: true });
  });
});

describe("rights", () => {
  test("with namespaces named, there is a Role in each and no ClusterRole", async () => {
    const objects = await objectsOf({ watchNamespaces: ["team-a", "team-b", "team-a"] });
    expect(summary(objects).filter((line) => line.includes("Role"))).toEqual(
      [
        `Role ops/${NAME}-leader-election`,
        `RoleBinding ops/${NAME}-leader-election`,
        ...["team-a", "team-b"].flatMap((namespace) => [
          `Role ${namespace}/${CLUSTER_NAME}`,
          `RoleBinding ${namespace}/${CLUSTER_NAME}`,
        ]),
      ].toSorted(),
    );
  });

  test("are the same in both modes", async () => {
    const everywhere = only(await objectsOf({}), "ClusterRole", CLUSTER_NAME).rules;
    expect(only(await objectsOf({ watchNamespaces: ["team-a"] }), "Role", CLUSTER_NAME).rules).toEqual(everywhere);
  });

  test("on Secrets can be narrowed to names and to looking", async () => {
    const objects = await objectsOf({ rbac: { secretNames: ["one", "two"], watchSecrets: false } });
    const rules = only(objects, "ClusterRole", CLUSTER_NAME).rules?.filter(({ resources }) => resources.includes("secrets"));
    expect(rules).toEqual([{ apiGroups: [""], resources: ["secrets"], resourceNames: ["one", "two"], verbs: ["get"] }]);
  });

  test("are left to others where that is wanted", async () => {
    expect(summary(await objectsOf({ rbac: { create: false } })).filter((line) => line.includes("Role"))).toEqual([]);
  });

  test("of the cluster's own roles are left alone where that is wanted", async () => {
    const names = (await objectsOf({ rbac: { aggregate: false } })).filter(({ kind }) => kind === "ClusterRole");
    expect(names.map(({ metadata }) => metadata.name)).toEqual([CLUSTER_NAME]);
  });

  test("are bound to the ServiceAccount that the pods run as", async () => {
    for (const [serviceAccount, name] of [
      [{}, NAME],
      [{ name: "mine", annotations: { a: "b" } }, "mine"],
      [{ create: false, name: "theirs" }, "theirs"],
    ] as const) {
      const objects = await objectsOf({ serviceAccount });
      expect(only<Deployment>(objects, "Deployment").spec.template.spec.serviceAccountName).toBe(name);
      const bindings = objects.filter(({ kind }) => kind.endsWith("Binding")) as (Rendered & { subjects: object[] })[];
      expect(bindings).toHaveLength(2);
      for (const { subjects } of bindings) expect(subjects).toEqual([{ kind: "ServiceAccount", name, namespace: "ops" }]);
      const accounts = objects.filter(({ kind }) => kind === "ServiceAccount");
      expect(accounts.map(({ metadata }) => metadata.name)).toEqual("create" in serviceAccount ? [] : [name]);
    }
  });

  test("with leader election off, there is one operator, which never runs twice, and no right on Leases", async () => {
    const objects = await objectsOf({ replicas: 1, leaderElection: { enabled: false } });
    expect(only<Deployment>(objects, "Deployment").spec.strategy).toEqual({ type: "Recreate" });
    expect(objects.filter(({ kind }) => ["Role", "RoleBinding", "PodDisruptionBudget"].includes(kind))).toEqual([]);
  });
});

describe("definitions", () => {
  test("are the generated ones, and stay when the release goes", async () => {
    const rendered = (await render("kestraflow-operator", REQUIRED)).filter(
      ({ kind }) => kind === "CustomResourceDefinition",
    );
    expect(rendered).toHaveLength(3);
    for (const { metadata, spec } of rendered) {
      const own = load(await readFile(join(root, "crds", `${metadata.name}.yaml`), "utf8")) as Rendered;
      expect(spec).toEqual(own.spec);
      expect(metadata.annotations).toEqual({
        "helm.sh/resource-policy": "keep",
        "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
      });
    }
  });

  test("can be left to another release", async () => {
    expect(summary(await objectsOf({})).filter((line) => line.startsWith("CustomResource"))).toEqual([]);
  });
});

describe("the pod", () => {
  test("takes what is said of it", async () => {
    const values = {
      replicas: 3,
      image: { repository: "registry.example.com/op", tag: "1.2.3", pullPolicy: "Always" },
      imagePullSecrets: [{ name: "registry" }],
      resources: { requests: { cpu: "1" }, limits: null },
      terminationGracePeriodSeconds: 60,
      nodeSelector: { disk: "fast" },
      tolerations: [{ operator: "Exists" }],
      affinity: { nodeAffinity: {} },
      priorityClassName: "high",
      podAnnotations: { note: "1" },
      podLabels: { team: "data" },
      commonLabels: { owner: "me" },
      podSecurityContext: { runAsUser: 1234 },
      securityContext: { privileged: false },
    };
    const objects = await objectsOf(values);
    const { spec } = only<Deployment>(objects, "Deployment");
    expect(spec.replicas).toBe(3);
    expect(spec.template.metadata.labels).toMatchObject({ team: "data", owner: "me" });
    expect(spec.template.metadata.annotations).toMatchObject({ note: "1" });
    const { imagePullSecrets, nodeSelector, tolerations, affinity, priorityClassName } = values;
    expect(spec.template.spec).toMatchObject({
      ...{ imagePullSecrets, nodeSelector, tolerations, affinity, priorityClassName },
      terminationGracePeriodSeconds: 60,
      securityContext: { runAsUser: 1234, runAsNonRoot: true },
      containers: [{ image: "registry.example.com/op:1.2.3", imagePullPolicy: "Always", args: ["run"] }],
    });
    expect(spec.template.spec.containers[0].resources).toEqual({ requests: { cpu: "1", memory: "192Mi" } });
    expect(spec.template.spec.containers[0].securityContext).toMatchObject({ privileged: false });
    for (const { kind, metadata } of objects.filter(({ kind }) => kind !== "Pod"))
      expect([kind, metadata.labels?.owner]).toEqual([kind, "me"]);
  });

  test("has an image by digest where one is given", async () => {
    const digest = `sha256:${"a".repeat(64)}`;
    const { containers } = await podOf({ image: { digest, tag: "not-used" } });
    expect(containers[0].image).toBe(`kestraflow-operator@${digest}`);
  });

  test("rather shares no node, and is spread by its own labels", async () => {
    const selector = { "app.kubernetes.io/name": "kestraflow-operator", "app.kubernetes.io/instance": "release" };
    const constraint = { maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" };
    const theirs = { ...constraint, labelSelector: { matchLabels: { a: "b" } } };
    const { affinity, topologySpreadConstraints } = await podOf({ topologySpreadConstraints: [constraint, theirs] });
    expect(affinity).toMatchObject({
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { podAffinityTerm: { labelSelector: { matchLabels: selector }, topologyKey: "kubernetes.io/hostname" } },
        ],
      },
    });
    expect(topologySpreadConstraints).toEqual([
      { ...constraint, labelSelector: { matchLabels: selector } },
      theirs,
    ]);
  });
});

describe("options", () => {
  test("a network policy lets through what the operator needs", async () => {
    const peers = [{ namespaceSelector: { matchLabels: { name: "kestra" } } }];
    const networkPolicy = {
      ...{ enabled: true, kestraPeers: peers, kestraPorts: [8081], apiServerPorts: [6443] },
      metricsPeers: [{ podSelector: {} }],
    };
    const objects = await objectsOf({ networkPolicy });
    const { matchLabels } = only<Deployment>(objects, "Deployment").spec.selector;
    const tcp = (port: number | string) => ({ port, protocol: "TCP" });
    expect(only(objects, "NetworkPolicy").spec).toEqual({
      podSelector: { matchLabels },
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        {
          ports: [tcp("http")],
          from: [
            { podSelector: {} },
            { podSelector: { matchLabels: { ...matchLabels, "app.kubernetes.io/name": "kestraflow-operator-test" } } },
          ],
        },
      ],
      egress: [
        { ports: [{ port: 53, protocol: "UDP" }, tcp(53)] },
        { ports: [tcp(6443)] },
        { ports: [tcp(8081)], to: peers },
      ],
    });
    const open = only<{ spec: { ingress: object[]; egress: object[] } }>(
      await objectsOf({ networkPolicy: { enabled: true } }),
      "NetworkPolicy",
    );
    expect(open.spec.ingress).toEqual([{ ports: [tcp("http")] }]);
    expect(open.spec.egress[2]).toEqual({ ports: [tcp(8080)] });
  });

  test("a PodMonitor reads the pods' metrics", async () => {
    const objects = await objectsOf({ podMonitor: { enabled: true, interval: "15s", labels: { release: "prometheus" } } });
    const monitor = only(objects, "PodMonitor");
    expect(monitor.metadata.labels).toMatchObject({ release: "prometheus" });
    expect(monitor.spec).toMatchObject({
      selector: only<Deployment>(objects, "Deployment").spec.selector,
      podMetricsEndpoints: [{ port: "http", path: "/metrics", interval: "15s" }],
    });
  });

  test("no disruption budget keeps a single replica from being moved", async () => {
    for (const values of [{ replicas: 1 }, { podDisruptionBudget: { enabled: false } }])
      expect(summary(await objectsOf(values)).filter((line) => line.startsWith("PodDisruption"))).toEqual([]);
  });

  test("names can be given, and fit whatever their length", async () => {
    const nameOf = async (values: Values) => only(await objectsOf(values), "Deployment").metadata.name;
    expect(await nameOf({ nameOverride: "op" })).toBe("release-op");
    expect(await nameOf({ nameOverride: "release" })).toBe("release");
    expect(await nameOf({ fullnameOverride: "exactly" })).toBe("exactly");
    const objects = await objectsOf({ fullnameOverride: "x".repeat(80), kestra: { existingSecret: "", username: "a", password: "b" } });
    for (const { metadata } of objects.filter(({ kind }) => !kind.startsWith("Cluster")))
      expect(metadata.name.length).toBeLessThanOrEqual(63);
  });

  test.each([
    [{}, "every Kubernetes namespace", "kubectl get kestra", "To say who may write where, set namespacePolicy"],
    [{ watchNamespaces: ["team-a"] }, "the Kubernetes namespaces team-a", "kubectl get kestra -n team-a", "Kubernetes"],
    [{ namespacePolicy: [] }, "every resource will be refused", "kubectl get kestra", "Kubernetes"],
    [{ rbac: { create: false } }, "No roles were made", "kubectl get kestra", "Kubernetes"],
  ])("the notes say what to do next: %j", async (values, ...texts) => {
    const notes = await helm(
      ["install", "release", chart("kestraflow-operator"), "-n", "ops", "--dry-run=client"],
      merged(values),
    );
    for (const text of texts) expect(notes).toContain(text);
  });
});

describe("refused is", () => {
  test.each([
    ["no address", { kestra: { url: "" } }, "kestra.url: is needed"],
    ["an address with a login", { kestra: { url: "http://me:secret@kestra" } }, "/kestra/url"],
    ["an address of another kind", { kestra: { url: "kestra:8080" } }, "/kestra/url"],
    ["no login", { kestra: { existingSecret: "" } }, "give existingSecret, or both username and password"],
    ["half a login", { kestra: { existingSecret: "", username: "me" } }, "give existingSecret, or both"],
    ["two logins", { kestra: { username: "me", password: "p" } }, "cannot be given together"],
    ["a password that is a number", { kestra: { existingSecret: "", username: "me", password: 1234 } }, "/kestra/password"],
    ["two authorities", { kestra: { ca: { configMap: "a", secret: "b" } } }, "give configMap or secret, not both"],
    ["two operators without election", { leaderElection: { enabled: false } }, "replicas: must be 1"],
    ["an account that nobody makes", { serviceAccount: { create: false } }, "serviceAccount.name: is needed"],
    ["a misspelt value", { watchNamespace: ["a"] }, "watchNamespace"],
    ["a misspelt value further in", { operator: { driftIntervall: "5m" } }, "driftIntervall"],
    ["one namespace that is no list", { watchNamespaces: "a" }, "/watchNamespaces"],
    ["two namespaces in one", { watchNamespaces: ["a,b"] }, "/watchNamespaces/0"],
    ["a policy without a target", { namespacePolicy: [{ from: ["a"] }] }, "/namespacePolicy/0"],
    ["a policy with an empty target", { namespacePolicy: [{ from: ["a"], to: [] }] }, "/namespacePolicy/0/to"],
    ["a duration without a unit", { operator: { driftInterval: "60" } }, "/operator/driftInterval"],
    ["a duration of nothing", { operator: { driftInterval: "0s" } }, "/operator/driftInterval"],
    ["a duration in days", { leaderElection: { leaseDuration: "1d" } }, "/leaderElection/leaseDuration"],
    ["too many at a time", { operator: { concurrency: 65 } }, "/operator/concurrency"],
    ["another deletion policy", { operator: { deletionPolicy: "Keep" } }, "/operator/deletionPolicy"],
    ["a digest that is none", { image: { digest: "latest" } }, "/image/digest"],
    ["a port that is none", { networkPolicy: { kestraPorts: [0] } }, "/networkPolicy/kestraPorts/0"],
  ])("%s", async (_what, values, says) => {
    // Helm 3 writes a path with dots.
    expect((await refusalOf(merged(values))).replaceAll("'", "").replaceAll(".", "/")).toContain(
      says.replaceAll(".", "/"),
    );
  });
});
