/** Tables as CSV (RFC 4180), in which text from outside can't compute. */

import { stringify } from "@std/csv/stringify";

export type CsvColumns<Row> = Readonly<
  Record<string, (row: Row) => string | number | boolean | null | undefined>
>;

/** Writes a table; what is missing is an empty cell. */
export function csv<Row>(columns: CsvColumns<Row>, rows: readonly Row[]): string {
  const cells = rows.map((row) =>
    Object.values(columns).map((of) => {
      const value = of(row) ?? "";
      return typeof value === "string" ? escapeCell(value) : value;
    })
  );
  return stringify([Object.keys(columns), ...cells]);
}

/**
 * Text in a cell. A spreadsheet takes text that begins with `=`, `+`, `-`, `@`, a tab or a carriage
 * return for a formula (OWASP, "CSV Injection"), so such text gets an apostrophe before it.
 */
function escapeCell(text: string): string {
  return /^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text;
}
