/** Writes a page of several parts as one document that opens offline, with its script and its policy. */

import { createHash } from "node:crypto";
import css from "./page.css" with { type: "text" };
import script from "./page.js" with { type: "text" };
import { environmentLine, PARTIAL, startText } from "../document.ts";
import { Html, type Markup, markup, paragraphs, sanitizedText } from "./markup.ts";
import { type Model, MODEL_TABLE, MODELS } from "../../models.ts";
import { formatCount, formatNumber } from "../../text/format.ts";
import type { Environment } from "../../timing/result.ts";

export interface Section {
  /** Unique in its page; letters, digits and hyphens. */
  readonly id: string;
  readonly title: string;
  readonly html: Markup;
  /** What it found, for the list at the top of a page. */
  readonly found?: Readonly<Record<"name" | "text", string>>;
}

export interface PartPlace {
  readonly id: string;
  /** How many findings there are in the page's earlier parts of the same kind. */
  readonly before: number;
  /** Whether the page holds this part and nothing else. */
  readonly alone: boolean;
}

/** The content that one result file adds to a page; all its text is sanitized. */
export interface PagePart {
  readonly title: string;
  readonly sections: readonly Section[];
  readonly jobs: readonly Markup[];
  /** The part's name in the list of environments. */
  readonly name: string;
  readonly method: { readonly name: string; readonly html: Html };
}

/** A part with the data that every kind of result file has. */
interface KnownPart extends PagePart {
  /** A verb for its jobs, such as "compared"; the title of a page of several parts counts jobs by it. */
  readonly did: string;
  readonly environment: Environment;
  readonly partial: boolean;
}

function foundIn({ sections }: PagePart) {
  return sections.flatMap(({ id, found }) => found === undefined ? [] : [{ ...found, id }]);
}

function titleOf(parts: readonly KnownPart[]): string {
  if (parts.length === 1 && foundIn(parts[0]!).length <= 1) return parts[0]!.title;
  const counts = Map.groupBy(
    parts.flatMap((part) => foundIn(part).map(() => part.did)),
    (did) => did,
  );
  if (counts.size === 0) return parts[0]?.title ?? "Nothing was measured";
  return [...counts].map(([did, { length: count }], i) =>
    `${formatCount(count)}${i > 0 ? "" : count === 1 ? " job" : " jobs"} ${did}`
  ).join(", ");
}

/** Lists the environments; terms that all parts have in common come once, before the others. */
function environments(parts: readonly KnownPart[]): Html {
  const all = parts.map(({ environment, jobs }) => environmentTerms(environment, jobs));
  if (all.length === 1) return termList(all[0]!);
  const same = (term: Term) => (other: Term) => termList([term]).text === termList([other]).text;
  const common = all[0]!.filter((term) => all.every((terms) => terms.some(same(term))));
  const own = all.map((terms) => terms.filter((term) => !common.some(same(term))));
  return markup`${termList(common)}${
    parts.map(({ name }, i) => markup`<h3>${name}</h3>${termList(own[i]!)}`)
  }`;
}

function methods(parts: readonly KnownPart[]): Markup {
  const told = [...new Map(parts.map(({ method }) => [method.html.text, method])).values()];
  return told.map(({ name, html }) => [told.length > 1 && markup`<h3>${name}</h3>`, html]);
}

/** Adds the start time to labels that parts share, as when one job was measured twice. */
function toldApart(parts: readonly KnownPart[]): KnownPart[] {
  const labels = parts.flatMap(({ name, sections }) => [
    ...new Set([name, ...sections.flatMap(({ title, found }) => [title, found?.name ?? title])]),
  ]);
  return parts.map((part) => {
    const told = (label: string) =>
      labels.indexOf(label) === labels.lastIndexOf(label)
        ? label
        : `${label}, ${startText(part.environment, "second")}`;
    return {
      ...part,
      name: told(part.name),
      sections: part.sections.map(({ title, found, ...of }) => ({
        ...{ ...of, title: told(title) },
        ...(found && { found: { ...found, name: told(found.name) } }),
      })),
    };
  });
}

/** Writes a page: the findings, each part's sections, then environment and method. */
export function renderParts(read: readonly KnownPart[], kicker = "Lanes report"): string {
  const parts = toldApart(read);
  const found = parts.flatMap(foundIn);
  const listed = found.length > 1 ? found : [];
  const verdicts = listed.map(({ id, name, text }) =>
    markup`<li><a href="#${id}">${name}</a> ${text}</li>`
  );
  const count = formatCount(parts.length);
  const where = parts.length === 1
    ? markup`${environmentLine(parts[0]!.environment)}`
    : markup`Measured in ${count} runs; each one’s machine and time are told under
      <a href="#environment">Environment</a>.`;
  const names = parts.filter(({ partial }) => partial).map(({ name }) => name);
  const of = parts.length > 1 && `${names.join(", ")}: `;
  const partial = names.length > 0 && [markup`<b>Partial:</b> ${of}${PARTIAL}`];
  const intro = markup`${verdicts.length > 0 && markup`<ul class="verdicts">${verdicts}</ul>`}
<p class="where">${where}</p>${partial && paragraphs("partial", partial)}`;
  return renderDocument(titleOf(parts), [
    ...parts.flatMap(({ sections }) => sections),
    { id: "environment", title: "Environment", html: environments(parts) },
    { id: "method", title: "Method", html: methods(parts) },
  ], { kicker, intro, linked: listed.map(({ id }) => id) });
}

type Term = readonly [name: string, value: Markup];

function environmentTerms(environment: Environment, jobs: readonly Markup[]): readonly Term[] {
  const { deno, v8, os, arch, cpus, lanesAvailable, startedAt, seed } = environment;
  const { loadAverage, cpuModel, notes = [] } = environment;
  const load = loadAverage?.slice(0, 3).map(formatNumber).join(", ") ?? "";
  return [
    ["Deno", `${deno}, V8 ${v8}`],
    ["System", `${os}, ${arch}`],
    ["Processors", cpuModel === undefined ? cpus : `${cpus}, ${cpuModel}`],
    ["Lanes available", lanesAvailable],
    ["Started", markup`<time>${startedAt}</time>`],
    ...(seed === undefined ? [] : [["Seed", seed] as const]),
    ...(load === "" ? [] : [["Load at the start", load] as const]),
    ...notes.slice(0, 50).map((note) => ["Note", note] as const),
    ...jobs.map((job) => ["Job", job] as const),
  ];
}

function termList(terms: readonly Term[]): Html {
  const entries = terms.map(([name, value]) =>
    markup`
      <div>
        <dt>${name}</dt>
        <dd>${value}</dd>
      </div>
    `
  );
  return markup`<dl class="terms">${entries}</dl>`;
}

export function taskWords(task: string, options: Readonly<Record<string, unknown>> = {}): Html {
  const words = Object.entries(options).slice(0, 40)
    .map(([name, value]) =>
      `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`
    );
  return markup`Task <code>${task}</code>${words.length > 0 && markup`; ${words.join(", ")}`}`;
}

interface DocumentOptions {
  readonly kicker?: string;
  /** Safe markup between the title and the table of contents. */
  readonly intro?: Markup;
  /** Ids of sections that the intro links to already; the table of contents leaves them out. */
  readonly linked?: readonly string[];
  readonly language?: string;
  readonly contents?: string;
}

/** Writes a page: a title, a table of contents, and sections. */
export function renderDocument(
  title: string,
  sections: readonly Section[],
  options: DocumentOptions = {},
): string {
  const style = pageStyle();
  const heading = sanitizedText(title);
  const links = sections.filter(({ id }) => !options.linked?.includes(id)).map((section) =>
    markup`<li><a href="#${section.id}">${sanitizedText(section.title)}</a></li>`
  );
  const navigation = sections.length > 1 && markup`
      <nav aria-label="${options.contents ?? "Contents"}">
        <ul>${links}</ul>
      </nav>
    `;
  const parts = sections.map(({ id, title, html }) =>
    markup`
        <section class="part" id="${id}">
        <h2>${sanitizedText(title)}</h2>
        ${html}
        </section>
      `
  );
  return markup`
    <!doctype html>
    <html lang="${options.language ?? "en"}">
      <head>
        <meta charset="utf-8">
        <meta http-equiv="content-security-policy" content="${policyFor(style, script)}">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta name="generator" content="Lanes">
        <title>${heading}</title>
        <style>${new Html(style)}</style>
      </head>
      <body>
        <header>
    <p class="kicker">${sanitizedText(options.kicker ?? "Lanes")}</p>
    <h1>${heading}</h1>
    ${options.intro}
    ${navigation}
        </header>
        <main>
    ${parts}</main>
        <div id="tip" role="status" aria-live="polite" hidden></div>
        <script>${new Html(script)}</script>
      </body>
    </html>
  `.text;
}

/** The content-security policy: no network, and only the page's own style and script. */
function policyFor(style: string, script: string): string {
  return "default-src 'none'; base-uri 'none'; form-action 'none'; " +
    `style-src '${hashOf(style)}'; script-src '${hashOf(script)}'`;
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

/**
 * The page's own colours, for light and for dark. Blue and green are concurrency on this event loop, orange and
 * magenta parallelism on this machine's lanes, and grey is the plain `for` loop. These differ in lightness as well
 * as hue, after Okabe and Ito's "Color Universal Design" palette (2008), so that colour-blind readers can tell them
 * apart. A test checks that each colour has a contrast of 4.5 to 1 on the page as text (WCAG 2.2, 1.4.3).
 */
const COLOURS = {
  paper: ["#fcfcf9", "#15171a"],
  panel: ["#f3f2ec", "#1e2125"],
  ink: ["#1c1e21", "#eceae4"],
  soft: ["#565b62", "#a9adb3"],
  line: ["#d9d7cd", "#3a3e44"],
  link: ["#0a58a8", "#8cc4ff"],
  bad: ["#b3261e", "#ff8a80"],
  warn: ["#fbf0d4", "#3a3017"],
  // For models that aren't in the table.
  other: ["#6a5a12", "#d6c15b"],
} as const;

type Scheme = Readonly<Record<keyof typeof COLOURS | Model, string>>;

function schemeOf(scheme: "light" | "dark"): Scheme {
  const own = Object.entries(COLOURS).map(([name, [light, dark]]) =>
    [name, scheme === "light" ? light : dark] as const
  );
  const models = MODELS.map((model) => [model, MODEL_TABLE[model].colour[scheme]] as const);
  return Object.fromEntries([...own, ...models]) as Scheme;
}

export const SCHEMES = { light: schemeOf("light"), dark: schemeOf("dark") } as const;

function schemeCss(scheme: Scheme): string {
  return Object.entries(scheme).map(([name, colour]) => `--${name}:${colour};`).join("");
}

function pageStyle(): string {
  // Dark mode is for screens only: paper is white whatever the reader prefers.
  return `
:root{color-scheme:light dark;${schemeCss(SCHEMES.light)}}
@media screen and (prefers-color-scheme: dark){:root{${schemeCss(SCHEMES.dark)}}}
${css}`;
}
