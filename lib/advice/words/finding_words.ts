/** Puts findings into words, all of them here. */

import {
  counted,
  formatBytes,
  formatDuration,
  formatPercent,
  formatRatio,
} from "../../text/format.ts";
import { plain } from "../../text/plain.ts";
import { othersWords } from "../../timing/meter/meter.ts";
import { OTHER_WORK } from "../../judge/thresholds.ts";
import { isRefusal } from "../../tasks/http_signs.ts";
import type { FailureKind } from "../../timing/failures.ts";
import type { Advice, Hazard } from "../advice.ts";
import type { Evidence } from "../evidence.ts";
import { type Finding } from "../findings.ts";
import { type Failing, NETWORK } from "../race/failing.ts";
import type { Planned } from "../race/race_plan.ts";

export function paceText(perSecond: number): string {
  return `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)} a second`;
}

/** The items that an answer is for; how many there are is assumed where it can't be told. */
export function itemsText({ horizon, total }: Pick<Planned, "horizon" | "total">): string {
  return `${total === null ? "an assumed " : ""}${counted(horizon, "item")}`;
}

function reasonText({ reason, count, index, message, status, retryAfterMs }: FailureKind): string {
  const isNamed = status === undefined || `${reason} ${message}`.includes(`${status}`);
  const wait = retryAfterMs === undefined ? "" : `, Retry-After ${formatDuration(retryAfterMs)}`;
  const said = message === "" || message === reason ? "" : `: ${message}`;
  return `${count} × ${reason}${isNamed ? "" : `, HTTP ${status}`}${wait}, first item ` +
    `${index}${said}`;
}

function reasonsText(reasons: readonly FailureKind[]): string {
  return reasons.length === 0 ? "" : ` (${reasons.slice(0, 3).map(reasonText).join("; ")})`;
}

type Failed = Failing & { readonly oneByOne?: number };

function failingText(
  { inFlight, model, failed, items, reasons, others, oneByOne = 0 }: Failed,
): string {
  const why = reasonsText(reasons);
  const many = others.length === 0 ? "" : `, and so it is under ${others.join(", ")}`;
  return `With ${counted(inFlight, "task")} in flight (${model}) ${failed} of ` +
    `${counted(items, "item")} failed${why}${many}, ${
      oneByOne > 0 ? "more than" : "none of them"
    } one by one: failing fast is no speed.`;
}

const stay = ({ well, oneByOne = 0 }: Failed) =>
  well <= 1
    ? oneByOne > 0 ? "One by one fewer failed." : "One by one they went well."
    : `Stay at ${well} or fewer at once, which went well.`;

function differingText(
  { models, orderMatters, loops, isLost }: Finding & { kind: "results" },
): string {
  const told = `The results differ from those of the plain loop under ${models.join(", ")}`;
  if (isLost) return `${told}: not all of an item arrives there.`;
  if (orderMatters === undefined) {
    return `${told}: the tasks share state, or depend on the order in which they run, or give an error ` +
      `as a value when many are in flight. A lane has memory of its own, and tasks in one lane take ` +
      `turns at every await. Give each task all it needs in its item.`;
  }
  return `${told}, but not when the plain loop runs the items from last to first: it isn't the order, ` +
    (loops
      ? `but tasks in flight at the same time that change what they share, or that give an error as a ` +
        `value. Don't read something before an await and write it behind; keep it in the task.`
      : `but memory that each lane has of its own: a module's variables are not shared between lanes. ` +
        `Give each task all it needs in its item.`);
}

function otherWorkText(of: Finding & { kind: "other-work" }): string {
  const { ratio, sameResults, canReset, failing } = of;
  const isOff = ratio > OTHER_WORK || ratio < 1 / OTHER_WORK;
  const times = ratio < 1
    ? `the plain loop was ${formatRatio(1 / ratio)} as fast on the same items as in the sample`
    : `the plain loop took ${formatRatio(ratio)} as long for the same items as in the sample`;
  const seen = failing
    ? `${failing.failed} of ${counted(failing.items, "item")} failed one by one` +
      `${reasonsText(failing.reasons)}, far more than in the sample`
    : [
      ...(isOff ? [times] : []),
      ...(sameResults ? [] : ["its results are others than the sample's"]),
    ].join(", and ");
  const why = failing
    ? "What was done once may be impossible a second time (a file that is there already, a quota that " +
      "is used up)"
    : ratio <= 1
    ? "Work that was done once may be skipped or cached (a file that is there already, a server's cache)"
    : "Work may grow with every run (a file that gets longer, a server that slows down), or other " +
      "programs used the CPUs";
  const remedy = canReset
    ? "Its reset() doesn't bring the first state back."
    : "Export a function reset() that brings the first state back: it runs before the items of each " +
      "trial are made.";
  return `The race was not the job that was sampled: ${seen}. ${why}, so its gains don't count. ${remedy}`;
}

function rateText(of: Finding & { kind: "rate" }): string {
  const { refused, items, perSecond, horizon, status, retryAfterMs } = of;
  const how = [
    ...(status === undefined ? [] : [`HTTP ${status}`]),
    ...(retryAfterMs === undefined ? [] : [`Retry-After ${formatDuration(retryAfterMs)}`]),
  ].join(", ");
  const takes = `${itemsText(of)} ${horizon === 1 ? "takes" : "take"}`;
  const pace = perSecond === null
    ? "Its pace could not be measured."
    : `It lets about ${paceText(perSecond)} through: ${takes} ` +
      `${formatDuration(1000 * horizon / perSecond)} whatever the model.`;
  const waits = retryAfterMs === undefined
    ? `What the tasks throw tells no wait, so that retries can only wait longer and longer: if the ` +
      `answers have a Retry-After, throw an error with it as retryAfterMs.`
    : `Keep to it with retries: they wait so long where what is thrown has that as retryAfterMs.`;
  return `The server limits the rate: it refused ${refused} of ${counted(items, "item")} already ` +
    `one by one${how === "" ? "" : ` (${how})`}. ${pace} ${waits}`;
}

function memoryText(of: Finding & { kind: "memory" }): string {
  const { sampleBytes, taskBytes, inFlight, measuredBytes, freeBytes, model } = of;
  const free = freeBytes === undefined ? "" : ` of ${formatBytes(freeBytes)} that are free`;
  const each = taskBytes === 0
    ? ""
    : `, the first alone by ${formatBytes(taskBytes)}: each task in flight holds its own`;
  const needs = measuredBytes !== null
    ? ` ${model} was measured to need ${formatBytes(measuredBytes)} more${free}.`
    : taskBytes === 0
    ? ""
    : ` ${model} has ${inFlight} in flight: about ${formatBytes(inFlight * taskBytes)}${free}.`;
  return `The tasks of the sample raised the peak memory by ${formatBytes(sampleBytes)} one by ` +
    `one${each}.${needs} A worker that runs out of memory takes the whole program with it; a ` +
    "process doesn't.";
}

function orderText({ models }: Finding & { kind: "order" }): string {
  const told = models.length === 0
    ? "The results differ once the plain loop runs the items in another order"
    : `The results differ from those of the plain loop under ${models.join(", ")}, and under the ` +
      "plain loop itself once the items are run from last to first";
  return `${told}: a task's result depends on which tasks ran before it (a counter, a cache, a sequence ` +
    `of random numbers). Give each task all it needs in its item, such as its number or a seed.`;
}

function busyText({ others, available, cores, ceiling }: Finding & { kind: "busy" }): string {
  const who = others === undefined ? "Other programs used the CPUs meanwhile" : othersWords(others);
  return `${who}: a busy thread got ${formatPercent(available)} of one, and ${cores} independent ` +
    `processes gained ${formatRatio(ceiling)}. On an idle machine lanes gain more; run this ` +
    "again there.";
}

export function sayFinding(finding: Finding): string {
  switch (finding.kind) {
    case "results":
      return differingText(finding);
    case "order":
      return orderText(finding);
    case "rewritten": {
      const { path, times, tasks } = finding;
      return `The file ${path} was read and written ${times} times by ${counted(tasks, "task")}. ` +
        "If each changes what it read, tasks in flight at the same time lose each other's " +
        "changes, which no result shows. Give each its own file, or write it once, from the " +
        "results.";
    }
    case "unrepeatable":
      return "The plain loop itself gives other results from run to run (time, chance, or state that is " +
        "kept elsewhere), so the models' results could not be compared. Export a function " +
        "comparable(result) that gives what of it must be equal.";
    case "no-results":
      return "The tasks give nothing back, so nothing shows that all models and sizes do the same work, nor " +
        "that the order of the items doesn't matter. Return what was done, such as a count, to have it compared.";
    case "other-work":
      return otherWorkText(finding);
    case "impossible": {
      const { model, gain, most, cores } = finding;
      return `The measurement can't be right, because ${model} gained ${formatRatio(gain)} where ` +
        `${cores} cores and the tasks' waiting can give ${formatRatio(most)} at most: the plain ` +
        "loop was slower than need be, or the model didn't do the same work.";
    }
    case "busy":
      return busyText(finding);
    case "turns":
      return "On one event loop the tasks take turns: with slots they gained nothing, so that something " +
        `in their module lets in one at a time, or limits their rate (a lock, a queue, a single ` +
        `connection, a throttle). ${finding.model} has a module in each lane, and so many of these: ` +
        "what such a lock protects elsewhere is no longer protected, nor is such a rate kept to.";
    case "blocking":
      if (finding.startsPrograms) {
        return `Starting programs holds up the tasks' thread for ${
          formatPercent(finding.share)
        } of their ` +
          "time: slots can't fill that, lanes can.";
      }
      return `The tasks hold up their thread for ${formatPercent(finding.share)} of their time ` +
        "while they wait, as synchronous calls do (readFileSync, outputSync, Atomics.wait): " +
        "slots can't fill that. With asynchronous calls, slots on one lane could.";
    case "uncloneable":
      return `What can't be sent to another lane: ${finding.what}. Workers and processes need plain ` +
        `data in and out.`;
    case "class":
      return `Another lane doesn't get all of an item (${finding.what}): classes with their methods and ` +
        "getters, keys that are symbols and those that aren't enumerable don't travel. Send plain data, " +
        "and make the object of it in the task.";
    case "failures": {
      const { failed, items, first } = finding;
      const example = first === undefined
        ? ""
        : ` (item ${first.index} with ${first.reason}${first.message && `: ${first.message}`})`;
      return `${failed} of ${counted(items, "item")} failed already one by one${example}; their ` +
        "time counts like that of the others. The code goes on behind them.";
    }
    case "rate":
      return rateText(finding);
    case "refused": {
      const pace = finding.perSecond === null
        ? ""
        : `: about ${paceText(finding.perSecond)} went through`;
      const isServer = finding.reasons.length === 0 ||
        finding.reasons.some((of) => isRefusal(of) || NETWORK.test(of.message));
      const why = isServer
        ? "What they wait for refuses so many at once, or limits their rate"
        : "They get in each other's way (a file, a variable), or what they wait for refuses so many";
      return `${failingText(finding)} ${why}${pace}. ${stay(finding)}`;
    }
    case "descriptors":
      return `${failingText(finding)} There are not enough file descriptors for so many (ulimit ` +
        "-n). " +
        stay(finding);
    case "late":
      return `${failingText(finding)} They wait for each other, or for something that serves few ` +
        `at a time. ${stay(finding)}`;
    case "lanes":
      return `${failingText(finding)} On this event loop they went well: in a lane of its own a ` +
        "task finds only its item and its module. State made elsewhere isn't there, and objects " +
        "arrive without their class's methods; make it in setup(), and send plain data.";
    case "broken":
      return `${finding.model} could not run: ${finding.error}`;
    case "memory":
      return memoryText(finding);
    case "teardown": {
      const { ms, graceMs } = finding;
      return ms === null
        ? `The teardown did not end within ${formatDuration(graceMs)} and was given up. It runs ` +
          "in every lane when that is closed."
        : `The teardown is slow: it takes ${formatDuration(ms)}, in every lane when that is ` +
          `closed. Give it time with graceMs: ${graceMs}.`;
    }
    case "uneven":
      return `The tasks are uneven (standard deviation ${finding.variation.toFixed(1)} times the ` +
        `mean): a long one at the end keeps all waiting. Put the longest first.`;
  }
}

const FAILING: readonly Hazard["kind"][] = ["refused", "descriptors", "late", "lanes"];

/**
 * What went wrong while advice was made, a line each: tasks that failed, in the sample or under a model of
 * the race, or didn't settle, and results that differ. A script that has one ends with 1.
 */
export function faultsOf(
  { sample, hazards }: Pick<Advice, "sample" | "hazards">,
  { probed }: Pick<Evidence, "probed">,
): string[] {
  const faults: string[] = [];
  const [first] = probed.failures;
  if (first !== undefined) {
    faults.push(
      `${sample.failed} of ${counted(sample.items, "item")} failed, item ${first.index} with ` +
        plain(`${first.name}: ${first.message}`),
    );
  }
  for (const { kind, figures = {} } of hazards) {
    if (!FAILING.includes(kind)) continue;
    const { failed, items, inFlight, model } = figures;
    faults.push(
      `${failed} of ${counted(Number(items), "item")} failed with ` +
        `${counted(Number(inFlight), "task")} in flight (${model}); see the hazards`,
    );
  }
  if (probed.cutOff !== undefined) {
    faults.push(`${probed.cutOff}; give it longer with --budget`);
  }
  const has = (wanted: Hazard["kind"]) => hazards.some(({ kind }) => kind === wanted);
  if (has("results")) faults.push("the models gave different results; see the hazards");
  else if (has("order")) {
    faults.push("results depend on the order in which tasks run; see the hazards");
  }
  return faults;
}
