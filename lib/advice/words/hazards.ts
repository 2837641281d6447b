/**
 * What could go wrong with a job under a model: what was seen, not what might be feared.
 *
 * @module
 */

import { formatBytes, formatPercent, formatRatio } from "../../reporting/format.ts";
import { isBusy, othersWords } from "../../timing/meter/reading.ts";
import type { Findings } from "../findings.ts";
import { type Candidate, nameOf } from "../prediction/candidate.ts";
import type { Machine } from "../prediction/predict.ts";
import { differing } from "./differing.ts";
import { refusal } from "./refusal.ts";
import { blocks, type Sample } from "../probe/sample.ts";

/** A thing to mind. */
export interface Hazard {
  /** Which kind of thing it is. */
  readonly kind:
    | "results"
    | "order"
    | "unrepeatable"
    | "blocking"
    | "uncloneable"
    | "refused"
    | "descriptors"
    | "failures"
    | "memory"
    | "uneven"
    | "broken"
    | "busy";
  /** What to tell, in a sentence or two. */
  readonly text: string;
}

/** Memory that a model needs more of than this is worth a word, in bytes. */
const MUCH_MEMORY = 200 * (1 << 20);
/** A task this much longer than the mean decides when all end. */
const UNEVEN = 1;

/** Other programs count if they leave less than this of a CPU, or of what all cores could gain. */
const BUSY_CPU = 0.85;
const BUSY_CORES = 0.75;

/**
 * Whether other programs used the CPUs so much that figures of lanes that compute may not hold.
 *
 * @param sample The sample.
 * @param machine What the machine does.
 * @returns Whether it was busy.
 *
 * @example
 * ```ts
 * import { wasBusy } from "./hazards.ts";
 *
 * const startMs = { eventLoop: 1, workers: 20, processes: 40 };
 * console.log(wasBusy({ available: 0.5 }, { cores: 2, ceiling: 1.9, startMs })); // true
 * ```
 */
export function wasBusy(
  { available, others }: Pick<Sample, "available" | "others">,
  { cores, ceiling }: Machine,
): boolean {
  return others !== undefined && isBusy(others) || available < BUSY_CPU ||
    ceiling < BUSY_CORES * cores;
}

/**
 * Names the hazards seen.
 *
 * @param found What was found.
 * @param chosen The recommended model.
 * @param memoryBytes What that model needs more than the plain loop.
 * @returns The hazards, the gravest first.
 *
 * @example
 * ```ts
 * import { hazardsOf } from "./hazards.ts";
 *
 * console.log(hazardsOf.length); // 3
 * ```
 */
export function hazardsOf(
  { sample, race, machine, backwards }: Pick<Findings, "sample" | "race" | "machine" | "backwards">,
  chosen: Candidate,
  memoryBytes: number,
): Hazard[] {
  const hazards: Hazard[] = [];
  const runners = race?.runners ?? [];
  const different = differing(runners, backwards?.orderMatters);
  if (different !== undefined) hazards.push(different);
  if (race?.unrepeatable) {
    hazards.push({
      kind: "unrepeatable",
      text:
        "The plain loop itself gives other results from run to run (time, chance, or state that is " +
        "kept elsewhere), so the models' results could not be compared.",
    });
  }
  if (sample.cpuShare > 0.3 && wasBusy(sample, machine)) {
    hazards.push({
      kind: "busy",
      text: `${
        sample.others === undefined
          ? "Other programs used the CPUs meanwhile"
          : othersWords(sample.others)
      }: a busy thread got ${
        formatPercent(sample.available)
      } of one, and ${machine.cores} independent processes gained ${
        formatRatio(machine.ceiling)
      }. On ` +
        `an idle machine lanes gain more; run this again there.`,
    });
  }
  if (blocks(sample)) {
    hazards.push({
      kind: "blocking",
      text:
        `The tasks hold up their thread for ${
          formatPercent(sample.blockedMs / sample.wallMs)
        } of their time while they wait, as synchronous calls do (readFileSync, outputSync, ` +
        `Atomics.wait): slots can't fill that. With asynchronous calls, slots on one lane could.`,
    });
  }
  if (sample.uncloneable !== undefined) {
    hazards.push({
      kind: "uncloneable",
      text:
        `What can't be sent to another lane: ${sample.uncloneable}. Workers and processes need plain ` +
        `data in and out.`,
    });
  }
  if (sample.failed > 0) {
    hazards.push({
      kind: "failures",
      text:
        `${sample.failed} of ${sample.items} items failed already one by one; their time counts like ` +
        `that of the others.`,
    });
  }
  const refused = refusal(runners);
  if (refused !== undefined) hazards.push(refused);
  for (const { candidate, error } of runners.filter(({ out }) => out === "broken")) {
    hazards.push({ kind: "broken", text: `${nameOf(candidate)} could not run: ${error}` });
  }
  if (memoryBytes > MUCH_MEMORY || sample.memoryBytes > MUCH_MEMORY) {
    hazards.push({
      kind: "memory",
      text:
        `The tasks of the sample raised the peak memory by ${
          formatBytes(sample.memoryBytes)
        } one by ` +
        `one${
          chosen.model === "sequential"
            ? ""
            : `, ${nameOf(chosen)} needs ${
              formatBytes(Math.max(0, memoryBytes))
            } more: each task in ` +
              `flight holds its own`
        }. A worker that runs out of memory takes the whole program with it; a process doesn't.`,
    });
  }
  if (sample.variation > UNEVEN && chosen.lanes * Math.min(chosen.slots, 1e6) > 1) {
    hazards.push({
      kind: "uneven",
      text:
        `The tasks are uneven (standard deviation ${
          sample.variation.toFixed(1)
        } times the mean): ` +
        `a long one at the end keeps all waiting. Put the longest first.`,
    });
  }
  return hazards;
}
