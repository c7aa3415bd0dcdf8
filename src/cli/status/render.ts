import { paint } from "../paint.ts";
import { plain } from "../plainText.ts";
import { terminalWidth } from "../format.ts";
import { renderTable } from "../table.ts";
import type { Count, KestraState, Report, Trouble } from "./run.ts";
import type { Leader } from "./leader.ts";

/** Prints a report for people. */
export function printReport(report: Report): void {
  const width = terminalWidth();
  const parts = [
    `${head(report.operator, report.kestra)}\n`,
    renderTable(report.kinds, COUNTS, width),
    titled("Not Ready", renderTable(report.notReady, TROUBLES, width)),
    titled("Drifted", renderTable(report.drifted, TROUBLES, width)),
  ];
  process.stdout.write(parts.filter((part) => part !== "").join("\n"));
}

function head(operator: Leader, kestra: KestraState): string {
  return [`Operator  ${leaderLine(operator)}`, `Kestra    ${kestraLine(kestra)}`].join("\n");
}

function leaderLine({ state, message }: Leader): string {
  const style = state === "leads" ? "green" : state === "unknown" ? "yellow" : "red";
  return paint(style, plain(message));
}

function kestraLine(kestra: KestraState): string {
  if (kestra.state === "up") return paint("green", `${plain(kestra.version)} answers, and takes the login`);
  if (kestra.state === "trouble") return paint("red", plain(kestra.message));
  return paint("dim", "was not asked: --kestra-url or KESTRA_URL names one");
}

function titled(title: string, table: string): string {
  return table === "" ? "" : `${paint("bold", title)}\n${table}`;
}

const number = (of: (count: Count) => number, style: "green" | "yellow" | "red") => ({
  of,
  align: "right" as const,
  paint: (text: string, count: Count) => (of(count) > 0 ? paint(style, text) : text),
});

const COUNTS = [
  { title: "KIND", of: ({ kind }: Count) => kind },
  { title: "TOTAL", of: ({ total }: Count) => total, align: "right" as const },
  { title: "READY", ...number(({ ready }) => ready, "green") },
  { title: "WAITING", ...number(({ waiting }) => waiting, "yellow") },
  { title: "STALLED", ...number(({ stalled }) => stalled, "red") },
  { title: "PAUSED", ...number(({ paused }) => paused, "yellow") },
];

const TROUBLES = [
  { title: "KIND", of: ({ kind }: Trouble) => kind },
  { title: "NAME", of: ({ name }: Trouble) => name },
  {
    title: "REASON",
    of: ({ reason }: Trouble) => reason,
    paint: (text: string, { stalled }: Trouble) => paint(stalled ? "red" : "yellow", text),
  },
  { title: "MESSAGE", of: ({ message }: Trouble) => message, shrinks: true as const },
];
