import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import { paint } from "../paint.ts";
import type { Finding } from "./finding.ts";

/** How findings can be written. Each gives the whole text for standard output, without a line end where there is nothing to say. */
export const FORMATS = { text, json, github, sarif } as const;
export type Format = keyof typeof FORMATS;

/** One line for each, as compilers write it and editors read it. */
function text(findings: readonly Finding[]): string {
  const lines = findings.map(({ file, line, column, severity, rule, message }) => {
    const grade = paint(severity === "error" ? "red" : "yellow", severity);
    return `${paint("bold", `${file}:${line}:${column}:`)} ${grade}: ${message} ${paint("dim", `[${rule}]`)}\n`;
  });
  return lines.join("");
}

function json(findings: readonly Finding[]): string {
  return `${JSON.stringify(findings, null, 2)}\n`;
}

/** Workflow commands of GitHub Actions, which show as annotations of the files in a pull request. */
function github(findings: readonly Finding[]): string {
  const lines = findings.map(({ file, line, column, severity, rule, message }) => {
    const properties = Object.entries({ file, line, col: column, title: rule });
    const told = properties.map(([key, value]) => `${key}=${escapeProperty(String(value))}`).join(",");
    return `::${severity} ${told}::${escapeData(message)}\n`;
  });
  return lines.join("");
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

/** Static Analysis Results Interchange Format 2.1.0. */
function sarif(findings: readonly Finding[]): string {
  const rules = [...new Set(findings.map(({ rule }) => rule))].map((id) => ({ id }));
  const results = findings.map(({ file, line, column, severity, rule, message }) => ({
    ruleId: rule,
    level: severity,
    message: { text: message },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: isAbsolute(file) ? pathToFileURL(file).href : encodeURI(file) },
          region: { startLine: line, startColumn: column },
        },
      },
    ],
  }));
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{ tool: { driver: { name: "kestraflow", rules } }, columnKind: "utf16CodeUnits", results }],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}
