/**
 * A result as CSV: one row a round, for spreadsheets and data frames.
 *
 * @module
 */

import { stringify } from "@std/csv/stringify";
import type { ResultFile } from "../../timing/result.ts";

const COLUMNS = [
  "job",
  "task",
  "items",
  "model",
  "lanes",
  "slots",
  "round",
  "startMs",
  "runMs",
  "wallMs",
  "cpuMs",
  "peakRssBytes",
  "succeeded",
  "failed",
  "reasons",
  "checksum",
  "agree",
  "examples",
] as const;

/**
 * Writes a result as CSV (RFC 4180), columns named as in the result file. Slots without a limit are
 * an empty cell.
 *
 * A spreadsheet takes text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for a
 * formula (OWASP, "CSV Injection"); such text gets an apostrophe before it. Numbers stay numbers.
 */
export function renderCsv(result: ResultFile): string {
  const rows: (string | number)[][] = [[...COLUMNS]];
  for (const { job, agree, models } of result.comparisons) {
    for (const { model, lanes, slots, rounds } of models) {
      for (const round of rounds) {
        const reasons = Object.entries(round.reasons ?? {})
          .map(([reason, count]) => `${count} ${reason}`).join("; ");
        const examples = Object.entries(round.examples ?? {})
          .map(([reason, example]) => `${reason}: ${example}`).join("; ");
        rows.push([
          inertCell(job.name),
          inertCell(job.task),
          job.items,
          inertCell(model),
          lanes,
          slots ?? "",
          round.round,
          round.startMs,
          round.runMs,
          round.wallMs,
          round.cpuMs,
          round.peakRssBytes,
          round.succeeded,
          round.failed,
          inertCell(reasons),
          inertCell(round.checksum),
          String(agree),
          inertCell(examples),
        ]);
      }
    }
  }
  return stringify(rows);
}

export function inertCell(text: string): string {
  return /^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text;
}
