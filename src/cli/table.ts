import { plain, textWidth, truncated } from "./plainText.ts";

/** A column of a table for people. */
export interface Column<Row> {
  title: string;
  of: (row: Row) => string | number | undefined;
  align?: "right";
  /** Gives way first where the table is wider than the terminal: it is cut, with an ellipsis. */
  shrinks?: true;
  /** How a cell is coloured, when it has its width. */
  paint?: (text: string, row: Row) => string;
}

/** Between two columns. */
const GAP = "   ";
/** No column is cut to less than this. */
const LEAST_WIDTH = 12;
const NOTHING = "-";

/**
 * Lays rows out below a line of titles; empty where there are no rows. What is missing is shown as a dash, and control characters and
 * line ends in cells are made visible.
 *
 * @param width of the terminal in characters; undefined where there is none, and nothing is cut then
 */
export function renderTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[], width?: number): string {
  if (rows.length === 0) return "";
  const cells = rows.map((row) => columns.map(({ of }) => cellOf(of(row))));
  const widths = columns.map(({ title }, n) => Math.max(title.length, ...cells.map((row) => textWidth(row[n] ?? ""))));
  const fitted = width === undefined ? widths : fit(widths, columns, width);
  const line = (texts: readonly string[], paintOf: (n: number) => ((text: string) => string) | undefined) =>
    texts
      .map((text, n) => {
        const room = fitted[n] ?? 0;
        const cut = truncated(text, room);
        const pad = " ".repeat(Math.max(0, room - textWidth(cut)));
        const painted = paintOf(n)?.(cut) ?? cut;
        if (columns[n]?.align === "right") return pad + painted;
        return n === texts.length - 1 ? painted : painted + pad;
      })
      .join(GAP)
      .trimEnd();
  const head = line(
    columns.map(({ title }) => title),
    () => undefined,
  );
  const body = cells.map((texts, r) => {
    const row = rows[r] as Row;
    return line(texts, (n) => {
      const paint = columns[n]?.paint;
      return paint && ((text) => paint(text, row));
    });
  });
  return `${[head, ...body].join("\n")}\n`;
}

function cellOf(value: string | number | undefined): string {
  return value === undefined || value === "" ? NOTHING : plain(String(value));
}

/** Takes from the columns that shrink, from the widest first, until the table fits or no more can be taken. */
function fit<Row>(widths: readonly number[], columns: readonly Column<Row>[], width: number): number[] {
  const fitted = [...widths];
  const total = () => fitted.reduce((sum, one) => sum + one, GAP.length * (fitted.length - 1));
  const shrinking = columns.flatMap(({ shrinks }, n) => (shrinks ? [n] : []));
  for (let excess = total() - width; excess > 0; excess = total() - width) {
    const [widest] = shrinking.toSorted((a, b) => (fitted[b] ?? 0) - (fitted[a] ?? 0));
    if (widest === undefined || (fitted[widest] ?? 0) <= LEAST_WIDTH) break;
    fitted[widest] = (fitted[widest] ?? 0) - 1;
  }
  return fitted;
}
