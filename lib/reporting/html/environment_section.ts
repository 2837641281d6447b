/**
 * On what machine, with what, and how it was measured.
 *
 * @module
 */

import type { Comparison, ResultFile } from "../../timing/result.ts";
import { formatNumber } from "../format.ts";
import { formatCount } from "./count.ts";
import { type Html, type Markup, markup } from "./markup.ts";

/**
 * Writes the environment as a list of terms.
 *
 * @param result The result file.
 * @returns The list.
 *
 * @example
 * ```ts
 * import { environmentSection } from "./environment_section.ts";
 *
 * const machine = { deno: "2.9.6", v8: "14", os: "linux", arch: "x86_64", cpus: 2, lanesAvailable: 2 };
 * const environment = { ...machine, startedAt: "2026-01-01T12:00:00Z", seed: 1 };
 * const { text } = environmentSection({ schemaVersion: 1, environment, comparisons: [] });
 * console.log(text.includes("2.9.6")); // true
 * ```
 */
export function environmentSection({ environment, comparisons }: ResultFile): Html {
  const { deno, v8, os, arch, cpus, lanesAvailable, startedAt, seed } = environment;
  const { loadAverage, cpuModel, notes } = environment;
  const terms: [string, Markup][] = [
    ["Deno", `${deno}, V8 ${v8}`],
    ["System", `${os}, ${arch}`],
    ["Processors", `${cpus}${cpuModel === undefined ? "" : `, ${cpuModel}`}`],
    ["Lanes available", `${lanesAvailable}`],
    ["Started", markup`<time>${startedAt}</time>`],
    ["Seed", `${seed}`],
  ];
  if (loadAverage !== undefined && loadAverage.length > 0) {
    terms.push(["Load at the start", loadAverage.slice(0, 3).map(formatNumber).join(", ")]);
  }
  for (const note of (notes ?? []).slice(0, 50)) terms.push(["Note", note]);
  comparisons.forEach((comparison) => terms.push(["Job", jobWords(comparison)]));
  return markup`<dl class="terms">${
    terms.map(([name, value]) =>
      markup`
        <div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>
      `
    )
  }</dl>`;
}

function jobWords({ job, models }: Comparison): Html {
  const rounds = Math.max(0, ...models.map(({ rounds }) => rounds.length));
  const options = Object.entries(job.options).slice(0, 40)
    .map(([name, value]) =>
      `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`
    );
  return markup`<b>${job.name}</b>, ${formatCount(job.items)} items, ${rounds} ${
    rounds === 1 ? "round" : "rounds"
  }. Task <code>${job.task}</code>${options.length > 0 && markup`; ${options.join(", ")}`}`;
}
