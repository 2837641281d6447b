/** A race against others: its file, of which `../peers.schema.json` is made, and its reports. */

import {
  counted,
  formatBytes,
  formatDuration,
  formatNumber,
  formatRatio,
  formatSpeedup,
  NO_FIGURE,
} from "../../../lib/text/format.ts";
import { fit } from "../../../lib/text/plain.ts";
import { environmentSchema, type Interval, intervalSchema } from "../../../lib/timing/result.ts";
import * as doc from "../../../lib/report/document.ts";
import { list, markup } from "../../../lib/report/html/markup.ts";
import type { PagePart, PartPlace } from "../../../lib/report/html/page.ts";
import { addKind } from "../../../lib/report/kinds.ts";
import { familySentence } from "./contest.ts";
import { z } from "zod";

const besidesSchema = z.object({
  p99Ms: z.number().nonnegative(),
  peakRssBytes: z.number().nonnegative(),
  connections: z.number().nonnegative(),
}).partial();

/** The fields that may be measured beside the figure. */
export const BESIDES = besidesSchema.keyof().options;

const rowSchema = z.object({
  family: z.string(),
  contest: z.string(),
  contender: z.string(),
  /** Whether this contender is this library, with which the others of its contest are compared. */
  ours: z.boolean(),
  unit: z.string(),
  /** Whether more or less of the unit is better. */
  better: z.enum(["more", "less"]),
  /** One figure for each round. */
  figures: z.array(z.number().nonnegative()),
  figure: intervalSchema.nullable(),
  /** This library's figure over this one's, paired by round. */
  ratio: intervalSchema.nullable(),
  /** This one's figure over that of its contest's plain loop, paired by round. */
  overLoop: intervalSchema.optional(),
  besides: besidesSchema.optional(),
  /** The project's aim for a figure or a ratio, bounds included. */
  aim: z.object({
    of: z.enum(["figure", "ratio"]),
    atLeast: z.number().optional(),
    atMost: z.number().optional(),
    met: z.boolean(),
    /** Whether the interval reaches over a bound. */
    unsure: z.boolean(),
  }).nullable(),
  trouble: z.object({ kind: z.enum(["not installed", "failed", "wrong"]), reason: z.string() })
    .nullable(),
});

const peersFileSchema = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal("peers"),
  environment: environmentSchema,
  rounds: z.number().int().positive(),
  partial: z.boolean().optional(),
  rows: z.array(rowSchema),
});

export type PeersRow = z.infer<typeof rowSchema>;
export type PeersFile = z.infer<typeof peersFileSchema>;

function figureText(value: number): string {
  if (value >= 999_500) return `${formatNumber(value / 1e6)} M`;
  return value >= 9_995 ? `${formatNumber(value / 1e3)} k` : formatNumber(value);
}

/** A contender's result: its median with the least and the greatest figure, or why there is none. */
export function resultText({ figure, unit, trouble }: PeersRow): string {
  if (trouble !== null) return trouble.kind;
  if (figure === null) return "not run";
  const [middle, least, most] = [figure.median, figure.low, figure.high].map(figureText);
  return `${middle} ${unit} (${least}–${most})`;
}

function shortResult(row: PeersRow): string {
  return resultText(row).replace(/ \(.*/, "");
}

function speedOf({ ratio, better }: PeersRow): Interval | null {
  if (ratio === null || better === "more") return ratio;
  return { median: 1 / ratio.median, low: 1 / ratio.high, high: 1 / ratio.low };
}

function comparisonText(row: PeersRow): string {
  const speed = speedOf(row);
  if (row.ours || speed === null) return row.ours ? "" : NO_FIGURE;
  const { median, low, high } = speed;
  return `${figureText(median)}× as fast (${figureText(low)}–${figureText(high)})`;
}

export function aimText({ aim }: PeersRow): string {
  if (aim === null) return "";
  const { of, atLeast, atMost, met, unsure } = aim;
  const sign = of === "ratio" ? "×" : "";
  const bounds = [
    ...(atLeast === undefined ? [] : [`≥ ${figureText(atLeast)}${sign}`]),
    ...(atMost === undefined ? [] : [`≤ ${figureText(atMost)}${sign}`]),
  ];
  return `${bounds.join(", ")}: ${met ? "met" : "missed"}${unsure ? ", unsure" : ""}`;
}

/** The other contenders that have a speed, with how many times as fast this library is. */
function speedsOf(rows: readonly PeersRow[]) {
  return rows.flatMap((row) => {
    const speed = speedOf(row);
    return row.ours || speed === null ? [] : [{ row, speed }];
  });
}

export function summarySentences(rows: readonly PeersRow[]): string[] {
  const compared = speedsOf(rows);
  if (compared.length === 0) return ["Nothing can be compared: no contender gave a figure."];
  const faster = compared.filter(({ speed }) => speed.low > 1).length;
  const slower = compared.filter(({ speed }) => speed.high < 1);
  const even = compared.length - faster - slower.length;
  const names = slower.map(({ row, speed }) =>
    `${row.contender} (${row.contest}: ${formatNumber(speed.median)}× as fast)`
  );
  return [
    `Of ${counted(compared.length, "comparison")} this library is faster in ${faster}, slower in ` +
    `${slower.length}, and in ${even} there is no detectable difference.`,
    ...(names.length === 0 ? [] : [`It is slower than ${names.join("; ")}.`]),
  ];
}

/** Says for each contest which contenders gained over its plain loop and which didn't, in a sentence. */
export function loopSentences(rows: readonly PeersRow[]): string[] {
  const gains = rows.flatMap(({ contest, contender, overLoop }) =>
    overLoop === undefined ? [] : [{ contest, contender, overLoop }]
  );
  return [...Map.groupBy(gains, ({ contest }) => contest)].map(([contest, of]) => {
    const told = of.map(({ contender, overLoop: { median, low, high } }) => {
      const gained = low > 1 ? "" : high < 1 ? " (slower)" : " (no detectable gain)";
      return `${contender} ${formatRatio(median)}${gained}`;
    });
    return `Against the plain loop, ${contest}: ${told.join(", ")}.`;
  });
}

export function troubleLines(rows: readonly PeersRow[]): string[] {
  const lines = rows.flatMap(({ contender, trouble }) =>
    trouble === null ? [] : [`${contender}: ${trouble.kind}: ${trouble.reason}`]
  );
  return [...new Set(lines)];
}

/** The number of columns that contenders' names are cut to where the figures would have no room. */
const NAME_COLUMNS = 28;

const contenderText = ({ contender, ours }: PeersRow) => `${ours ? "▸ " : "  "}${contender}`;

const COLUMNS: readonly doc.Column<PeersRow>[] = [
  doc.textColumn("contender", 0, contenderText, {
    longHead: "contender (▸ this library)",
    short: { cell: (row) => fit(contenderText(row), NAME_COLUMNS), order: 2 },
  }),
  doc.numberColumn("median", 0.5, resultText, {
    longHead: "median (least–greatest)",
    short: { cell: shortResult, order: 3 },
  }),
  doc.textColumn("this library is", 0, comparisonText, {
    short: { head: "as fast", cell: (row) => comparisonText(row).replace(/ .*/, ""), order: 1 },
  }),
];

function overLoopText({ overLoop }: PeersRow): string {
  return overLoop === undefined ? "" : formatSpeedup(overLoop);
}

/** Columns that only some contests have: the gain over the plain loop, and other measured fields. */
const MORE_COLUMNS: readonly doc.Column<PeersRow>[] = [
  doc.textColumn("over its loop", 0, overLoopText, {
    short: { cell: (row) => overLoopText(row).replace(/ .*/, ""), order: 4 },
  }),
  doc.numberColumn("99% within", 0.7, besides("p99Ms", formatDuration)),
  doc.numberColumn("memory", 0.8, besides("peakRssBytes", formatBytes)),
  doc.numberColumn("connections", 0.9, besides("connections", String)),
];

function besides(what: typeof BESIDES[number], shown: (value: number) => string) {
  return ({ besides }: PeersRow) => besides?.[what] === undefined ? "" : shown(besides[what]);
}

const AIM: doc.Column<PeersRow> = doc.textColumn("aim", 0, aimText);

function columnsOf(rows: readonly PeersRow[]): readonly doc.Column<PeersRow>[] {
  return [...COLUMNS, ...MORE_COLUMNS.filter(({ cell }) => rows.some((row) => cell(row) !== ""))];
}

/** Groups the rows by family, and by contest within it. */
function contestsOf(rows: readonly PeersRow[]) {
  return [...Map.groupBy(rows, ({ family }) => family)].map(([family, of]) =>
    [family, [...Map.groupBy(of, ({ contest }) => contest)]] as const
  );
}

/** Describes a contest in a sentence: this library's result, and its speed beside the best of the others. */
function shortSentence(ours: PeersRow, rows: readonly PeersRow[]): string {
  const told = `${ours.contest}: ${shortResult(ours)}`;
  const [best] = speedsOf(
    rows.filter(({ family, contest }) => family === ours.family && contest === ours.contest),
  ).sort((a, b) => a.speed.median - b.speed.median);
  if (best === undefined) return told;
  const { median, low, high } = best.speed;
  const unsure = low <= 1 && high >= 1 ? " (unsure)" : "";
  return `${told}, ${figureText(median)}× as fast as ${best.row.contender}${unsure}`;
}

export function peersReport(
  { environment, rounds, partial, rows }: PeersFile,
  { aims = false, short = false }: { readonly aims?: boolean; readonly short?: boolean } = {},
): doc.Block {
  const contests = short
    ? [doc.lines(rows.filter(({ ours }) => ours).map((ours) => shortSentence(ours, rows)))]
    : contestsOf(rows).flatMap(([family, contests]) => {
      const sentence = familySentence(family);
      return [
        doc.heading(sentence === "" ? family : `${family}: ${sentence}`, "  "),
        ...contests.map(([contest, of]) => {
          const hasAims = aims && of.some(({ aim }) => aim !== null);
          const columns = hasAims ? [...columnsOf(of), AIM] : columnsOf(of);
          return doc.together(doc.paragraph(contest, undefined, "  "), doc.tableOf(columns, of));
        }),
      ];
    });
  const figures = short
    ? "medians, beside the best of the others"
    : "medians with the least and the greatest";
  const about =
    `This library${short ? "" : " (▸)"} against others, each run a process of its own; ` +
    `${counted(rounds, "round")}, ${figures}.` +
    (rounds === 1 ? " It tells nothing about noise: a factor of 2 either way is assumed." : "");
  return doc.documentOf([
    doc.paragraph(about, undefined, "  "),
    ...contests,
    doc.lines(troubleLines(rows), "warning"),
    doc.partialNote(partial, "the race was interrupted; this is what ran."),
    doc.lines([...summarySentences(rows), ...loopSentences(rows)], "heading"),
    doc.footnote(environment),
  ]);
}

type CsvRow = Omit<PeersRow, "figure"> & { readonly round?: number; readonly figure?: number };

const CSV_COLUMNS: doc.CsvColumns<CsvRow> = {
  ...doc.properties("family", "contest", "contender", "ours", "round", "figure", "unit", "better"),
  trouble: ({ trouble }) => trouble && `${trouble.kind}: ${trouble.reason}`,
};

/** One row for each round of each contender, and one for a contender that has no rounds. */
export function peersCsv({ rows }: Pick<PeersFile, "rows">): string {
  const written = rows.flatMap(({ figure: _, ...row }): CsvRow[] =>
    row.figures.length > 0 ? row.figures.map((figure, round) => ({ ...row, round, figure })) : [row]
  );
  return doc.csv(CSV_COLUMNS, written);
}

/** The race's part of the HTML page; its markup can't run code or reach the network. */
function peersPart({ rows, rounds }: PeersFile, { id, alone }: PartPlace): PagePart {
  const summary = [...summarySentences(rows), ...loopSentences(rows)];
  const html = [
    markup`<p class="verdict">${summary.join(" ")}</p>`,
    contestsOf(rows).map(([family, contests]) => [
      markup`<p class="lead">${familySentence(family) || family}</p>`,
      contests.map(([name, of]) => doc.htmlTable(name, columnsOf(of), of)),
    ]),
    list(troubleLines(rows), "notices"),
  ];
  return {
    title: "This library against others",
    sections: [{
      id,
      title: alone ? "Who is faster" : "This library against others",
      found: { name: "Against others", text: summary[0]! },
      html,
    }],
    jobs: [
      `${counted(new Set(rows.map(({ contest }) => contest)).size, "contest")}, ` +
      counted(rounds, "round"),
    ],
    name: "The race against others",
    method: {
      name: "How others are raced",
      html:
        markup`<p>Every run is a process of its own, counts only if its results are right, and takes turns
        with the others in shuffled order. Speeds are compared round by round; the interval is the 95% one.</p>`,
    },
  };
}

/** Returns a race as a file that reports can be made from. */
export const asReport = addKind<PeersFile>({
  format: { kind: "peers", schema: peersFileSchema, inconsistency: () => undefined },
  name: "a race",
  report: (file) => peersReport(file),
  isEmpty: ({ rows }) => rows.every(({ figures, trouble }) => figures.length === 0 && !trouble),
  csv: ([race]) => peersCsv(race!),
  page: { kicker: "race", did: "raced", part: peersPart },
});
