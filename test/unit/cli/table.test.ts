import { describe, expect, test } from "@jest/globals";
import { plain, textWidth, truncated, visible } from "../../../src/cli/plainText.ts";
import { renderTable } from "../../../src/cli/table.ts";
import type { Column } from "../../../src/cli/table.ts";

interface Row {
  name: string;
  count?: number;
  message?: string;
}

const NAME: Column<Row> = { title: "NAME", of: ({ name }) => name };
const COUNT: Column<Row> = { title: "COUNT", of: ({ count }) => count, align: "right" };
const COLUMNS: Column<Row>[] = [NAME, COUNT, { title: "MESSAGE", of: ({ message }) => message, shrinks: true }];

describe("a table", () => {
  test("lines its columns up", () => {
    const rows = [
      { name: "a", count: 7, message: "all is well" },
      { name: "a-longer-name", count: 1234 },
    ];
    expect(renderTable(rows, COLUMNS)).toBe(`NAME            COUNT   MESSAGE
a                   7   all is well
a-longer-name    1234   -
`);
  });

  test("is empty without rows", () => {
    expect(renderTable([], COLUMNS)).toBe("");
  });

  test("cuts what may be cut to the width of the terminal, and no further than can be read", () => {
    const row = { name: "a", message: "a message that goes on and on" };
    const width = (columns: number) => renderTable([row], COLUMNS, columns).split("\n")[1];
    expect(width(80)).toBe("a          -   a message that goes on and on");
    expect(width(35)).toBe("a          -   a message that goes…");
    expect(width(10)).toBe("a          -   a message t…");
  });

  test("pads by what is seen, and not by colours", () => {
    const columns: Column<Row>[] = [{ ...NAME, paint: (text) => `<${text}>` }, COUNT];
    expect(
      renderTable(
        [
          { name: "é́", count: 1 },
          { name: "abc", count: 2 },
        ],
        columns,
      ),
    ).toBe("NAME   COUNT\n<é́>          1\n<abc>        2\n");
  });

  test("keeps a cell on its line, and lets it do nothing to the terminal", () => {
    const rows = [{ name: "a", message: "two\nlines\u001b[31m\u0007" }];
    expect(renderTable(rows, COLUMNS)).toContain("two lines^[[31m^G\n");
  });
});

describe("text from elsewhere", () => {
  test("is shown without what a terminal acts on", () => {
    expect(plain("a\tb\r\nc\u009b2J\u202e")).toBe("a b c<U+009B>2J<U+202E>");
    expect(visible("a\tb\r\nc\n")).toBe("a\tb^M\nc\n");
  });

  test("is measured and cut by what a reader takes for characters", () => {
    expect(textWidth("naïve 👩‍🚀")).toBe(7);
    expect(truncated("👩‍🚀👩‍🚀👩‍🚀", 2)).toBe("👩‍🚀…");
    expect(truncated("abc", 3)).toBe("abc");
  });
});
