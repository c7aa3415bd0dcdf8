import { join } from "node:path";
import type { StepOptions } from "../step.ts";
import type { Docker } from "./docker.ts";
import { buildImage } from "./imageBuild.ts";

/** Postgres 15 from Debian's packages; see images/postgres. */
export function postgresImage(engine: Docker, debian: string, options: StepOptions): Promise<string> {
  const folder = join(import.meta.dirname, "images", "postgres");
  return buildImage(engine, { name: "kestraflow-postgres", folder, args: { BASE: debian } }, options);
}
