/**
 * The figures of a comparison in one table.
 *
 * @module
 */

import type { Comparison } from "../../timing/result.ts";
import {
  formatBytes,
  formatDuration,
  formatDurationInterval,
  formatSpeedup,
  middle,
} from "../../text/format.ts";
import { formatCount } from "./count.ts";
import { type Html, markup } from "./markup.ts";
import { table } from "./table.ts";

/** Writes the table of a comparison: a row a model. */
export function resultsTable(comparison: Comparison, id: string): Html {
  const rows = comparison.models.map(({ model, lanes, slots, rounds, wallMs, speedup }) => [
    model,
    `${lanes} × ${slots ?? "all"}`,
    formatDuration(middle(rounds.map(({ startMs }) => startMs))),
    formatDuration(middle(rounds.map(({ runMs }) => runMs))),
    rounds.length === 0 ? "–" : formatDurationInterval(wallMs),
    formatDuration(middle(rounds.map(({ cpuMs }) => cpuMs))),
    speedup === null ? "–" : model === "sequential" ? "1×" : formatSpeedup(speedup),
    formatBytes(middle(rounds.map(({ peakRssBytes }) => peakRssBytes))),
    formatCount(rounds.reduce((sum, { failed }) => sum + failed, 0)),
  ]);
  return markup`
    <section id="${id}"><h3>All figures</h3>${
    table(
      "Medians over rounds, with 95% intervals",
      [
        { name: "model" },
        { name: "lanes\u00a0× slots", figures: true },
        { name: "start\u2011up", figures: true },
        { name: "work", figures: true },
        { name: "total", figures: true },
        { name: "CPU", figures: true },
        { name: "speedup", figures: true },
        { name: "peak memory", figures: true },
        { name: "failed", figures: true },
      ],
      rows,
    )
  }</section>
  `;
}
