/**
 * Compares the laws of slots with each other, and `auto()`'s decisions with the best fixed model, on
 * made-up jobs; then the laws by which limits grow after refusals, on those whose servers refuse:
 * `deno run tests/adaptive/laws_main.ts [seeds] [cores]`. With `growth` at the end only the latter.
 */

import { cubic, type Growth } from "../../lib/adaptive/cut_limit.ts";
import { gradient, type SlotLaw } from "../../lib/adaptive/rounds.ts";
import { textTable } from "../../lib/report/document.ts";
import { print } from "../../lib/text/print.ts";
import { median } from "../../lib/timing/statistics.ts";
import { bestFixed, simulate, type Simulated } from "./simulation.ts";
import { CHANCE, HARD, HOLDING, REFUSING, STANDING, STEEP, WORLDS } from "./worlds.ts";

const isGrowthOnly = Deno.args.at(-1) === "growth";
const [seeds = 5, cores = 2] = Deno.args.slice(0, isGrowthOnly ? -1 : undefined).map(Number);

/** The newest round's weight in the long-run latency; one far above the present is forgotten faster. */
const LONG_RUN = 0.01;
const STALE = 2;
const FORGETTING = 0.95;

/** Like the law in use, but by long-run latency: Gradient2Limit of concurrency-limits. */
function gradient2(): SlotLaw {
  let longMs: number | undefined;
  return ({ slots, latencyMs, leastMs }) => {
    longMs ??= leastMs;
    longMs += LONG_RUN * (latencyMs - longMs);
    if (longMs > STALE * latencyMs) longMs *= FORGETTING;
    const ratio = Math.min(1, Math.max(0.5, 1.25 * longMs / latencyMs));
    return Math.max(1, slots + 0.5 * (slots * ratio + Math.sqrt(slots) - slots));
  };
}

/**
 * The queue is estimated from the least latency. Slots grow while it is shorter than three times the logarithm
 * of the slots, and shrink where it is longer than six times that: VegasLimit of concurrency-limits, after
 * TCP Vegas (Brakmo and Peterson, 1995).
 */
function vegas(): SlotLaw {
  return ({ slots, latencyMs, leastMs }) => {
    const queued = Math.ceil(slots * (1 - leastMs / latencyMs));
    const step = Math.max(1, Math.log10(slots));
    if (queued <= step) return slots + 6 * step;
    if (queued < 3 * step) return slots + step;
    return queued > 6 * step ? slots - step : slots;
  };
}

/** Slots grow by one, whatever the latency, and shrink only where tasks fail: AIMD (Chiu and Jain, 1989). */
function aimd(): SlotLaw {
  return ({ slots }) => slots + 1;
}

/** Grows by as much for each answer. */
const linear: Growth = (paid, got, near) =>
  paid < 1 ? got + (near - got) * paid : near * (1 + 0.3 * (paid - 1));

/**
 * Its logarithm grows by as much for each answer, as a refusal takes: stochastic approximation (Robbins and
 * Monro, 1951), by which the refused share settles.
 */
const exponential: Growth = (paid, got) => got * 1.43 ** paid;

const GROWTHS = { cubic, linear, exponential };

const LAWS = { gradient: () => gradient, gradient2, vegas, aimd };
/** Tasks that ended per millisecond. */
const pace = ({ ended, wallMs }: Simulated) => ended / wallMs;

const NOISES = [0.03, 0.1, 0.2];

function printTable(heads: readonly string[], rows: readonly string[][]): void {
  const columns = heads.map((head, at) => ({
    head,
    left: true,
    cell: (row: readonly string[]) => row[at]!,
  }));
  print(textTable(columns, rows, { columns: Infinity, colour: false }));
}

for (const noise of isGrowthOnly ? [] : NOISES) {
  const heads = [
    `noise ${100 * noise}%`,
    "best fixed",
    ...Object.keys(LAWS).flatMap((name) => [name, "slots", "refused"]),
  ];
  const rows: string[][] = [];
  const ratios: Record<string, number[]> = {};
  for (
    const job of [...WORLDS, ...REFUSING, ...HARD, ...CHANCE, ...HOLDING, ...STEEP, ...STANDING]
  ) {
    const best = Array.from(
      { length: seeds },
      (_, seed) => bestFixed(job, { cores, noise, seed }),
    );
    const [{ wallMs, ended, shape: { place, lanes, slots } }] = best as [Simulated];
    const row = [
      wallMs === Infinity
        ? "all refused"
        : `${job.forMs === undefined ? `${wallMs.toFixed(0)} ms` : `${ended} items`}, ${
          place === "lanes" ? `${lanes} lanes of ` : ""
        }${slots}`,
    ];
    for (const [name, law] of Object.entries(LAWS)) {
      const runs = best.map((_, seed) => simulate(job, { cores, noise, seed }, { law }));
      const ratio = median(runs.map((run, at) => pace(best[at]!) / pace(run)));
      (ratios[name] ??= []).push(ratio);
      const { mean, deviation } = runs[0]!.slots;
      const refused = median(runs.map(({ refused, ended }) => refused / (refused + ended)));
      row.push(
        ratio === 0 ? `${(runs[0]!.wallMs / 1000).toFixed(0)} s` : `${ratio.toFixed(2)}×`,
        `${mean.toFixed(0)} ± ${deviation.toFixed(0)}${
          runs[0]!.shape.place === "lanes" ? " L" : ""
        }`,
        refused === 0 ? "" : `${(100 * refused).toFixed(1)}%`,
      );
    }
    rows.push([job.name, ...row]);
  }
  printTable(heads, rows);
  for (const [name, of] of Object.entries(ratios)) {
    const good = of.filter((ratio) => ratio <= 1.15).length;
    print(
      `${name}: within 1.15× in ${good} of ${of.length}, at worst ${Math.max(...of).toFixed(2)}×`,
    );
  }
  print("");
}

for (const noise of NOISES) {
  const rows: string[][] = [];
  const polite: Record<string, number> = {};
  for (const job of [...REFUSING, ...CHANCE]) {
    const row = Object.entries(GROWTHS).flatMap(([name, growth]) => {
      const runs = Array.from(
        { length: seeds },
        (_, seed) => simulate(job, { cores, noise, seed }, { growth }),
      );
      const refused = median(runs.map(({ refused, ended }) => refused / (refused + ended)));
      polite[name] = (polite[name] ?? 0) + Number(refused <= 0.05);
      return [`${median(runs.map(({ ended }) => ended))}`, `${(100 * refused).toFixed(1)}%`];
    });
    rows.push([job.name, ...row]);
  }
  printTable(
    [`noise ${100 * noise}%`, ...Object.keys(GROWTHS).flatMap((name) => [name, "refused"])],
    rows,
  );
  for (const [name, count] of Object.entries(polite)) {
    print(`${name}: at most 5% refused in ${count} of ${rows.length}`);
  }
  print("");
}
