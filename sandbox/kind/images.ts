import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "js-yaml";
import type { StepOptions } from "../step.ts";
import { debianImage } from "./debian.ts";
import { hasImage, pull, type Docker } from "./docker.ts";
import { engineImage } from "./engineImage.ts";
import { operatorImage } from "./operatorImage.ts";
import { postgresImage } from "./postgresImage.ts";

export const CHARTS = fileURLToPath(new URL("../../charts", import.meta.url));

/** The images of what is installed in a cluster. */
export interface ClusterImages {
  operator: string;
  /** Kestra's own image, or that of its engine behind our test REST layer where `isEngine` is true. */
  kestra: string;
  isEngine: boolean;
  postgres: string;
}

/**
 * The images, in the Docker engine: official ones as the chart names them where they can be pulled, else their counterparts, which are
 * built here. The operator's is always built.
 */
export async function clusterImages(engine: Docker, options: StepOptions): Promise<ClusterImages> {
  let made: Promise<string> | undefined;
  const debian = () => (made ??= debianImage(engine, options));
  const named = chartImages();
  const available = async (image: string) =>
    (await hasImage(engine, image)) || (await pull(engine, image, options.report));
  const operator = await operatorImage(engine, debian, options);
  const isEngine = !(await available(named.kestra));
  return {
    operator,
    kestra: isEngine ? await engineImage(engine, await debian(), options) : named.kestra,
    isEngine,
    postgres: (await available(named.postgres)) ? named.postgres : await postgresImage(engine, await debian(), options),
  };
}

interface StackValues {
  kestra: { image: string };
  postgres: { image: string };
}

/** The images that the chart of Kestra and Postgres names. */
function chartImages(): { kestra: string; postgres: string } {
  const values = load(readFileSync(join(CHARTS, "kestra-stack", "values.yaml"), "utf8")) as StackValues;
  return { kestra: values.kestra.image, postgres: values.postgres.image };
}
