/**
 * A page of several files' parts (comparisons, advice, scaling, races), and on what machine, with what,
 * and how all was measured.
 *
 * @module
 */

import { renderDocument, type Section } from "./document.ts";
import { type Html, type Markup, markup } from "./markup.ts";
import { environmentLine } from "../environment_line.ts";
import { formatCount, formatNumber } from "../../text/format.ts";
import type { ResultFile } from "../../timing/result.ts";

/** A finding, as the list at the top of a page tells it. */
interface Headline {
  /** The id of its section. */
  readonly id: string;
  /** What it is about: the job. */
  readonly name: string;
  /** What was found, in a line. */
  readonly text: string;
}

/** Where a file's part stands in a page. */
export interface PartPlace {
  /** Its section's id, unique in the page. */
  readonly id: string;
  /** Whether the page holds this part and nothing else. */
  readonly alone: boolean;
}

/** What one file brings to a page; all its text is sanitized (see sanitize.ts). */
export interface PagePart {
  /** The page's title if this part has all there is. */
  readonly title: string;
  /** What was done with its jobs, such as "compared"; the title of a page of several parts counts it. */
  readonly did: string;
  /** Its findings, each with the section that tells it. */
  readonly headlines: readonly Headline[];
  /** Its sections, in order. */
  readonly sections: readonly Section[];
  /** On what it was measured. */
  readonly environment: ResultFile["environment"];
  /** What was run, a line a job. */
  readonly jobs: readonly Markup[];
  /** What it is called where environments are listed. */
  readonly name: string;
  /** Whether the run was interrupted. */
  readonly partial: boolean;
  /** How its figures came about. */
  readonly method: { readonly name: string; readonly html: Html };
}

function titleOf(parts: readonly PagePart[]): string {
  const headlines = parts.flatMap((part) => part.headlines);
  if (parts.length === 1 && headlines.length <= 1) return parts[0]!.title;
  const counts = new Map<string, number>();
  for (const { did, headlines } of parts) {
    if (headlines.length > 0) counts.set(did, (counts.get(did) ?? 0) + headlines.length);
  }
  if (counts.size === 0) return parts[0]?.title ?? "Nothing was measured";
  return [...counts].map(([did, count], i) =>
    `${formatCount(count)}${i > 0 ? "" : count === 1 ? " job" : " jobs"} ${did}`
  ).join(", ");
}

/** What all parts have in common is told once. */
function environments(parts: readonly PagePart[]): Html {
  const all = parts.map(({ environment, jobs }) => environmentTerms(environment, jobs));
  if (all.length === 1) return termList(all[0]!);
  const same = ([name, value]: Term) => ([other, of]: Term) =>
    name === other && value.text === of.text;
  const common = all[0]!.filter((term) => all.every((terms) => terms.some(same(term))));
  return markup`${termList(common)}${
    parts.map(({ name }, i) =>
      markup`<h3>${name}</h3>${termList(all[i]!.filter((term) => !common.some(same(term))))}`
    )
  }`;
}

function methods(parts: readonly PagePart[]): Html {
  const told = new Map(parts.map(({ method }) => [method.html.text, method]));
  if (told.size === 1) return [...told.values()][0]!.html;
  return markup`${[...told.values()].map(({ name, html }) => markup`<h3>${name}</h3>${html}`)}`;
}

/**
 * Writes a page of parts: what was found, each part's sections in the order given, then on what and how
 * all was measured. The kicker is a few words above the title.
 */
export function renderParts(parts: readonly PagePart[], kicker = "Lanes report"): string {
  const headlines = parts.flatMap((part) => part.headlines);
  const listed = headlines.length > 1 ? headlines : [];
  const verdicts = listed.map(({ id, name, text }) =>
    markup`<li><a href="#${id}">${name}</a> ${text}</li>`
  );
  const where = parts.length === 1
    ? markup`${environmentLine(parts[0]!.environment)}`
    : markup`Measured in ${
      formatCount(parts.length)
    } runs; each one’s machine and time are told under
      <a href="#environment">Environment</a>.`;
  const partial = parts.filter((part) => part.partial);
  const intro = markup`${verdicts.length > 0 && markup`<ul class="verdicts">${verdicts}</ul>`}
<p class="where">${where}</p>${
    partial.length > 0 &&
    markup`<p class="partial"><b>Partial:</b> ${
      parts.length === 1 ? "the run" : `the run of ${partial.map(({ name }) => name).join(", ")}`
    } was interrupted; this is what was measured until then.</p>`
  }`;
  return renderDocument(titleOf(parts), [
    ...parts.flatMap(({ sections }) => sections),
    { id: "environment", title: "Environment", html: environments(parts).text },
    { id: "method", title: "Method", html: methods(parts).text },
  ], { kicker, intro, linked: listed.map(({ id }) => id) });
}

/** A term and what it is. */
type Term = readonly [name: string, value: Html];

/** The terms of an environment. */
function environmentTerms(
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
function termList(terms: readonly Term[]): Html {
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

/** A task and its options, in a line. */
export function taskWords(task: string, options: Readonly<Record<string, unknown>>): Html {
  const words = Object.entries(options).slice(0, 40)
    .map(([name, value]) =>
      `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`
    );
  return markup`Task <code>${task}</code>${words.length > 0 && markup`; ${words.join(", ")}`}`;
}
