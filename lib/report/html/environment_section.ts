/**
 * On what machine, with what, and how it was measured.
 *
 * @module
 */

import { counted } from "../../text/plural.ts";
import type { Comparison, ResultFile } from "../../timing/result.ts";
import { formatNumber } from "../../text/format.ts";
import { formatCount } from "./count.ts";
import { type Html, type Markup, markup } from "./markup.ts";

/** A term and what it is. */
export type Term = readonly [name: string, value: Html];

/**
 * The terms of an environment.
 *
 * @param environment On what it was measured.
 * @param jobs What was run, a line each.
 * @returns The terms, in the order in which they are to be read.
 *
 * @example
 * ```ts
 * import { environmentTerms } from "./environment_section.ts";
 *
 * const machine = { deno: "2.9.6", v8: "14", os: "linux", arch: "x86_64", cpus: 2, lanesAvailable: 2 };
 * const [[name, value]] = environmentTerms({ ...machine, startedAt: "2026-01-01T12:00:00Z", seed: 1 }, []);
 * console.log(name, value.text); // "Deno" "2.9.6, V8 14"
 * ```
 */
export function environmentTerms(
  environment: ResultFile["environment"],
  jobs: readonly Markup[],
): readonly [Term, ...Term[]] {
  const { deno, v8, os, arch, cpus, lanesAvailable, startedAt, seed } = environment;
  const { loadAverage, cpuModel, notes } = environment;
  const load = loadAverage?.slice(0, 3).map(formatNumber).join(", ") ?? "";
  return [
    ["Deno", markup`${deno}, V8 ${v8}`],
    ["System", markup`${os}, ${arch}`],
    ["Processors", markup`${cpus}${cpuModel === undefined ? "" : `, ${cpuModel}`}`],
    ["Lanes available", markup`${lanesAvailable}`],
    ["Started", markup`<time>${startedAt}</time>`],
    ["Seed", markup`${seed}`],
    ...(load === "" ? [] : [["Load at the start", markup`${load}`] as const]),
    ...(notes ?? []).slice(0, 50).map((note) => ["Note", markup`${note}`] as const),
    ...jobs.map((job) => ["Job", markup`${job}`] as const),
  ];
}

/**
 * Terms as a list.
 *
 * @param terms The terms.
 * @returns The list.
 *
 * @example
 * ```ts
 * import { termList } from "./environment_section.ts";
 *
 * console.log(termList([]).text); // `<dl class="terms"></dl>`
 * ```
 */
export function termList(terms: readonly Term[]): Html {
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

/**
 * What a comparison ran, in a line.
 *
 * @param comparison The comparison.
 * @returns Its name, items, rounds, task and options.
 *
 * @example
 * ```ts
 * import { jobWords } from "./environment_section.ts";
 *
 * const job = { name: "nothing", task: "", items: 0, options: {} };
 * console.log(jobWords({ job, models: [] }).text.includes("0 items")); // true
 * ```
 */
export function jobWords({ job, models }: Pick<Comparison, "job" | "models">): Html {
  const rounds = Math.max(0, ...models.map(({ rounds }) => rounds.length));
  const what = markup`<b>${job.name}</b>, ${
    counted(job.items, "item", formatCount(job.items))
  }, ${rounds} ${rounds === 1 ? "round" : "rounds"}. `;
  return markup`${what}${taskWords(job.task, job.options)}`;
}

/**
 * A task and its options, in a line.
 *
 * @param task The task's module and export.
 * @param options What it was given.
 * @returns The line.
 *
 * @example
 * ```ts
 * import { taskWords } from "./environment_section.ts";
 *
 * console.log(taskWords("sleep.ts", {}).text); // "Task <code>sleep.ts</code>"
 * ```
 */
export function taskWords(task: string, options: Readonly<Record<string, unknown>>): Html {
  const words = Object.entries(options).slice(0, 40)
    .map(([name, value]) =>
      `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`
    );
  return markup`Task <code>${task}</code>${words.length > 0 && markup`; ${words.join(", ")}`}`;
}
