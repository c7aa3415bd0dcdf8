import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, jest, test } from "@jest/globals";
import { load } from "js-yaml";
import { root } from "../../support/cluster.ts";
import { chart, helm, only, render, template } from "./helm.ts";
import type { Rendered, Values } from "./helm.ts";

jest.setTimeout(60_000);

interface Container {
  image: string;
  command?: string[];
  args?: string[];
  env: { name: string; value?: string; valueFrom?: { secretKeyRef: { name: string; key: string } } }[];
  ports: { name: string; containerPort: number }[];
  livenessProbe: { httpGet: object };
  readinessProbe: { httpGet: object };
  startupProbe: { httpGet: object };
  volumeMounts: { name: string; mountPath: string }[];
}

interface StatefulSet extends Rendered {
  spec: {
    template: {
      metadata: { annotations: Record<string, string> };
      spec: { containers: [Container]; volumes?: { name: string }[] };
    };
    volumeClaimTemplates?: { spec: { storageClassName?: string; resources: { requests: { storage: string } } } }[];
  };
}

const ENGINE = ["-f", join(chart("kestra-stack"), "values-engine.yaml")];
const stack = (values: Values = {}, args: string[] = []) => render("kestra-stack", values, args);
const names = (objects: Rendered[]) => objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted();
const containerOf = (objects: Rendered[], name: string) =>
  only<StatefulSet>(objects, "StatefulSet", name).spec.template.spec.containers[0];

/** Kestra's application.yaml. */
function configurationOf(objects: Rendered[]): Record<string, object> {
  const secret = only<{ stringData: Record<string, string> }>(objects, "Secret", "kestra-configuration");
  return load(secret.stringData["application.yaml"] ?? "") as Record<string, object>;
}

async function refusalOf(values: Values): Promise<string> {
  return template("kestra-stack", values).then(
    () => "",
    (error: unknown) => (error as { stderr: string }).stderr,
  );
}

test.each([[[]], [["--set", "pgadmin.enabled=true"]], [ENGINE]])("helm lint has nothing to say: %j", async (args) => {
  const text = await helm(["lint", "--strict", chart("kestra-stack"), ...args]);
  expect(text).toContain("0 chart(s) failed");
  expect(text).not.toMatch(/WARNING|ERROR/);
});

describe("as the tutorial has it", () => {
  test("there is Kestra with its own database, and the tutorial's", async () => {
    expect(names(await stack())).toEqual(
      [
        "Pod kestra-stack-test",
        ...["kestra", "kestra-postgres", "pgdatabase"].flatMap((name) => [`Service ${name}`, `StatefulSet ${name}`]),
        ...["kestra-configuration", "kestra-login", "kestra-postgres", "pgdatabase"].map((name) => `Secret ${name}`),
      ].toSorted(),
    );
  });

  test("every image has a version", async () => {
    const objects = await stack({ pgadmin: { enabled: true } });
    const images = JSON.stringify(objects).matchAll(/"image":"([^"]+)"/g);
    const found = [...new Set([...images].map(([, image]) => image))].toSorted();
    expect(found).toEqual([
      expect.stringMatching(/^dpage\/pgadmin4:\d+\.\d+$/),
      expect.stringMatching(/^kestra\/kestra:v1\.1\.\d+$/),
      expect.stringMatching(/^postgres:1[5-9]\.\d+$/),
    ]);
  });

  test("Kestra's login is the tutorial's, from a Secret, and the configuration has none in it", async () => {
    const objects = await stack();
    expect(only(objects, "Secret", "kestra-login")).toMatchObject({
      stringData: { username: "admin@kestra.io", password: "Admin1234" },
    });
    const configuration = configurationOf(objects);
    expect(configuration).toMatchObject({
      datasources: {
        postgres: {
          url: "jdbc:postgresql://kestra-postgres:5432/kestra",
          username: "${DATABASE_USERNAME}",
          password: "${DATABASE_PASSWORD}",
        },
      },
      kestra: {
        server: { "basic-auth": { username: "${LOGIN_USERNAME}", password: "${LOGIN_PASSWORD}" } },
        repository: { type: "postgres" },
        queue: { type: "postgres" },
        storage: { type: "local", local: { "base-path": "/app/storage" } },
        "anonymous-usage-report": { enabled: false },
      },
    });
    const from = Object.fromEntries(
      containerOf(objects, "kestra").env.map(({ name, valueFrom }) => [name, valueFrom?.secretKeyRef]),
    );
    expect(from).toEqual({
      KESTRA_CONFIGURATION: { name: "kestra-configuration", key: "application.yaml" },
      LOGIN_USERNAME: { name: "kestra-login", key: "username" },
      LOGIN_PASSWORD: { name: "kestra-login", key: "password" },
      DATABASE_USERNAME: { name: "kestra-postgres", key: "username" },
      DATABASE_PASSWORD: { name: "kestra-postgres", key: "password" },
    });
  });

  test("the flows find their database under the host name, login and name that they use", async () => {
    const flows = await readFile(join(root, "flows", "04-postgres-taxi.yaml"), "utf8");
    const [, host, database] = /jdbc:postgresql:\/\/(\w+):5432\/(\w+)/.exec(flows) ?? [];
    const [, username] = /username: (\w+)/.exec(flows) ?? [];
    const [, password] = /password: (\w+)/.exec(flows) ?? [];
    const objects = await stack();
    expect(only(objects, "Service", host).spec).toMatchObject({ ports: [{ port: 5432 }] });
    expect(only(objects, "Secret", host)).toMatchObject({ stringData: { username, password } });
    expect(containerOf(objects, host ?? "").env).toContainEqual({ name: "POSTGRES_DB", value: database });
  });

  test("its node ports are those that kind-config.yaml maps", async () => {
    const config = load(await readFile(join(root, "kind-config.yaml"), "utf8")) as {
      nodes: { extraPortMappings: { containerPort: number }[] }[];
    };
    const objects = await stack({ pgadmin: { enabled: true } });
    const ports = ["kestra", "pgadmin"].map(
      (name) => only<{ spec: { ports: [{ nodePort: number }] } }>(objects, "Service", name).spec.ports[0].nodePort,
    );
    expect(config.nodes[0]?.extraPortMappings.map(({ containerPort }) => containerPort)).toEqual(ports);
  });

  test("all three keep their data on volumes, and Kestra has probes of its own port", async () => {
    const objects = await stack({ kestra: { storage: { storageClass: "fast" } } });
    for (const name of ["kestra", "kestra-postgres", "pgdatabase"]) {
      const { volumeClaimTemplates, template } = only<StatefulSet>(objects, "StatefulSet", name).spec;
      expect(volumeClaimTemplates).toHaveLength(1);
      expect(template.spec.volumes?.map(({ name }) => name) ?? []).not.toContain("data");
    }
    const { volumeClaimTemplates = [] } = only<StatefulSet>(objects, "StatefulSet", "kestra").spec;
    expect(volumeClaimTemplates[0]?.spec).toMatchObject({
      storageClassName: "fast",
      resources: { requests: { storage: "2Gi" } },
    });
    const { livenessProbe, readinessProbe, startupProbe } = containerOf(objects, "kestra");
    expect([startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet)).toEqual(
      ["/health/liveness", "/health/liveness", "/health/readiness"].map((path) => ({ path, port: 8081 })),
    );
  });
});

describe("options", () => {
  test("without volumes, data lasts as long as the pods", async () => {
    const storage = { storage: { enabled: false } };
    const objects = await stack({ kestra: storage, database: storage, pgdatabase: storage });
    for (const { spec } of objects.filter(({ kind }) => kind === "StatefulSet") as StatefulSet[]) {
      expect(spec.volumeClaimTemplates).toBeUndefined();
      expect(spec.template.spec.volumes).toContainEqual({ name: "data", emptyDir: {} });
    }
  });

  test("the tutorial's database can be left out", async () => {
    const objects = await stack({ pgdatabase: { enabled: false } });
    expect(names(objects).filter((name) => name.includes("pgdatabase") || name.startsWith("Pod"))).toEqual([]);
  });

  test("pgAdmin knows the tutorial's database", async () => {
    const objects = await stack({ pgadmin: { enabled: true } });
    expect(names(objects)).toEqual(
      expect.arrayContaining(["Deployment pgadmin", "Service pgadmin", "Secret pgadmin", "ConfigMap pgadmin"]),
    );
    const { data } = only<{ data: Record<string, string> }>(objects, "ConfigMap", "pgadmin");
    expect(JSON.parse(data["servers.json"] ?? "")).toMatchObject({
      Servers: { 1: { Host: "pgdatabase", MaintenanceDB: "ny_taxi", Username: "root" } },
    });
  });

  test("what is configured goes over what the chart knows, and restarts Kestra", async () => {
    const configuration = { kestra: { queue: { type: "memory" }, "tutorial-flows": { enabled: false } } };
    const [before, after] = [await stack(), await stack({ kestra: { configuration } })];
    expect(configurationOf(after)).toMatchObject({
      kestra: { queue: { type: "memory" }, repository: { type: "postgres" }, "tutorial-flows": { enabled: false } },
    });
    const annotations = (objects: Rendered[]) =>
      only<StatefulSet>(objects, "StatefulSet", "kestra").spec.template.metadata.annotations;
    expect(annotations(after)).not.toEqual(annotations(before));
    expect(annotations(await stack({ kestra: { login: { password: "Another1" } } }))).not.toEqual(annotations(before));
  });

  test("a login can be in a Secret that is there already", async () => {
    const objects = await stack({ kestra: { login: { existingSecret: "mine" } } });
    expect(names(objects)).not.toContain("Secret kestra-login");
    expect(containerOf(objects, "kestra").env).toContainEqual({
      name: "LOGIN_PASSWORD",
      valueFrom: { secretKeyRef: { name: "mine", key: "password" } },
    });
  });

  test("services can be for the cluster alone", async () => {
    const objects = await stack({ kestra: { serviceType: "ClusterIP" } });
    expect(only(objects, "Service", "kestra").spec).toMatchObject({
      type: "ClusterIP",
      ports: [{ name: "http", port: 8080, targetPort: "http" }],
    });
  });

  test("another image can be used as the engine", async () => {
    const objects = await stack({}, ENGINE);
    expect(names(objects)).toEqual(
      [
        "Pod kestra-stack-test",
        ...["kestra", "pgdatabase"].flatMap((name) => [`Service ${name}`, `StatefulSet ${name}`]),
        ...["kestra-login", "pgdatabase"].map((name) => `Secret ${name}`),
      ].toSorted(),
    );
    const { image, command, args, env, readinessProbe, volumeMounts, ports } = containerOf(objects, "kestra");
    expect(image).not.toMatch(/^kestra\//);
    expect([command, args]).toEqual([undefined, undefined]);
    expect(env.map(({ name }) => name)).not.toContain("KESTRA_CONFIGURATION");
    expect(env).toContainEqual({
      name: "ENGINE_PASSWORD",
      valueFrom: { secretKeyRef: { name: "kestra-login", key: "password" } },
    });
    expect(readinessProbe.httpGet).toEqual({ path: "/api/v1/configs", port: 8080 });
    expect(volumeMounts).toContainEqual({ name: "data", mountPath: "/data" });
    expect(ports).toEqual([{ name: "http", containerPort: 8080 }]);
    const other = await stack({ kestra: { command: ["run"], args: ["--now"], port: 9090 } }, ENGINE);
    expect(containerOf(other, "kestra")).toMatchObject({
      ...{ command: ["run"], args: ["--now"] },
      ports: [{ name: "http", containerPort: 9090 }],
    });
  });
});

test.each([
  ["a misspelt value", { kestra: { imageTag: "v1" } }, "imageTag"],
  ["a login that is no mail address", { kestra: { login: { username: "admin" } } }, "/kestra/login/username"],
  ["a password that Kestra would refuse", { kestra: { login: { password: "admin1234" } } }, "/kestra/login/password"],
  ["a node port that is none", { kestra: { nodePort: 8080 } }, "/kestra/nodePort"],
  ["a size without a unit", { pgdatabase: { storage: { size: "5" } } }, "/pgdatabase/storage/size"],
])("refused is %s", async (_what, values, says) => {
  expect((await refusalOf(values)).replaceAll("'", "").replaceAll(".", "/")).toContain(says);
});
