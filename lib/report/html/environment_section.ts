/**
 * On what machine, with what, and how it was measured.
 *
 * @module
 */

import { counted, formatNumber } from "../../text/format.ts";
import type { Comparison, ResultFile } from "../../timing/result.ts";
import { formatCount } from "./count.ts";
import { type Html, type Markup, markup } from "./markup.ts";

/** A term and what it is. */
export type Term = readonly [name: string, value: Html];

/** The terms of an environment. */
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

/** Terms as a list. */
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

/** What a comparison ran, in a line. */
export function jobWords({ job, models }: Pick<Comparison, "job" | "models">): Html {
  const rounds = Math.max(0, ...models.map(({ rounds }) => rounds.length));
  const what = markup`<b>${job.name}</b>, ${
    counted(job.items, "item", formatCount(job.items))
  }, ${rounds} ${rounds === 1 ? "round" : "rounds"}. `;
  return markup`${what}${taskWords(job.task, job.options)}`;
}

/** A task and its options, in a line. */
export function taskWords(task: string, options: Readonly<Record<string, unknown>>): Html {
  const words = Object.entries(options).slice(0, 40)
    .map(([name, value]) =>
      `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`
    );
  return markup`Task <code>${task}</code>${words.length > 0 && markup`; ${words.join(", ")}`}`;
}
