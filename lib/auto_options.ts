/**
 * The bounds of `auto` and what it begins with, checked against each other. It may begin with advice that was
 * given on another machine.
 */

import { BLOCKED_LANES } from "./adaptive/controller.ts";
import type { GuideOptions } from "./adaptive/guide.ts";
import { ONE } from "./adaptive/watch.ts";
import { Checker, isCount } from "./dispatch/checker.ts";
import type { AutoOptions, StartAdvice } from "./executor_options.ts";
import { isRemote, MODEL_TABLE, MOST_LANES, needsServer } from "./models.ts";

/** The most tasks that are in flight, unless given. */
const MOST_AUTO_SLOTS = 1024;
/** The most lanes, unless given. Beyond one for each core they are used only if tasks block them. */
const MOST_AUTO_LANES = BLOCKED_LANES * navigator.hardwareConcurrency;

export type AutoBounds = Pick<AutoOptions, "maxSlots" | "maxLanes" | "memoryBytes" | "stay">;

type Beginning = Pick<GuideOptions, "start" | "guess" | "toldBy">;

interface CheckedAutoOptions
  extends Beginning, Pick<GuideOptions, "maxSlots" | "maxLanes" | "memoryBytes"> {
  readonly isolate: boolean;
  readonly keepClasses: boolean;
  /** Why every task stays in this event loop, if the option `stay` says so. */
  readonly because: string | undefined;
}

/**
 * Checks the options and fills in defaults.
 *
 * @throws {RangeError} If one is out of its range, or two contradict each other.
 */
export function checkAutoOptions(options: AutoOptions): CheckedAutoOptions {
  const { maxSlots = MOST_AUTO_SLOTS, maxLanes, memoryBytes = Infinity, start, stay } = options;
  const { isolate = false, permissions, keepClasses = true } = options;
  const check = new Checker("open auto()");
  check.count("maxSlots", maxSlots, 1, MODEL_TABLE.auto.mostSlots);
  if (maxLanes !== undefined) check.count("maxLanes", maxLanes, 1, MOST_LANES - 1);
  const isSize = typeof memoryBytes === "number" && memoryBytes > 0;
  check.is("memoryBytes", memoryBytes, isSize, "a number above 0");
  const because = typeof stay === "object" ? stay?.because : undefined;
  const isStay = stay === undefined || stay === "loop" || typeof because === "string";
  check.is("stay", stay, isStay, `"loop", { because: "…" }, or left out`);
  check.flag("isolate", isolate);
  check.flag("keepClasses", keepClasses);
  const stays = stay === "loop";
  check.is("isolate", isolate, !(isolate && stays), `left out, for stay is "loop"`);
  check.is("maxLanes", maxLanes, maxLanes === undefined || !stays, `left out, for stay is "loop"`);
  check.is("permissions", permissions, !permissions || isolate, "left out, unless isolate is true");
  const mostLanes = stays ? 0 : maxLanes ?? MOST_AUTO_LANES;
  const bounds = { maxSlots, maxLanes: mostLanes, memoryBytes, isolate, keepClasses, because };
  return { ...bounds, ...checkedStart(check, start, maxSlots, mostLanes) };
}

function checkedStart(
  check: Checker,
  start: AutoOptions["start"],
  maxSlots: number,
  mostLanes: number,
): Beginning {
  if (start === undefined) return { start: ONE };
  if (isAdvice(start)) return advisedStart(start, maxSlots, mostLanes);
  check.known(start, ["lanes", "slots"], "start.");
  const { lanes, slots = 1 } = start;
  const toldBy = "as told";
  check.count("start.slots", slots, 1, maxSlots);
  if (lanes === undefined) return { start: { ...ONE, slots }, toldBy };
  check.is("start.lanes", lanes, mostLanes > 0, `left out, for stay is "loop"`);
  check.count("start.lanes", lanes, 1, mostLanes);
  const fits = lanes * slots <= maxSlots;
  check.is("start.slots", slots, fits, `at most maxSlots on all lanes, ${maxSlots}`);
  return { start: { place: "lanes", lanes, slots }, toldBy };
}

const isAdvice = (start: object | null): start is StartAdvice =>
  (start as Partial<StartAdvice> | null)?.advice !== undefined;

/** The advised start, cut to the bounds; advice from another machine is only a guess. */
function advisedStart(
  { environment, advice }: StartAdvice,
  maxSlots: number,
  mostLanes: number,
): Beginning {
  // The advice comes from a file, so its shape is checked here.
  type Recommended = StartAdvice["advice"]["recommended"];
  const { model, ...advised } = (advice?.recommended ?? {}) as Recommended;
  const holds = typeof model === "string" && isCount(advised.lanes, 1) &&
    (advised.slots === null || isCount(advised.slots, 1)) && typeof environment?.deno === "string";
  new Checker("open auto()").is("start", advice, holds, "what deno task advise wrote with --json");
  const onLanes = isRemote(model) && mostLanes > 0;
  const lanes = onLanes ? Math.min(advised.lanes, mostLanes, maxSlots) : 1;
  const slots = Math.min(advised.slots ?? maxSlots, Math.floor(maxSlots / lanes));
  const elsewhere = otherMachine(environment);
  const there = needsServer(model)
    ? "for lanes of other machines"
    : elsewhere && `elsewhere, ${elsewhere}`;
  if (there === undefined) {
    const place = onLanes ? "lanes" : "event loop";
    return { start: { place, lanes, slots }, toldBy: "as advised" };
  }
  const guess = lanes * slots;
  const toldBy = `advised ${there}: ${guess} at once are a guess`;
  return { start: ONE, guess, toldBy };
}

/** How the machine on which the advice was given differs from this one; undefined if it doesn't. */
export function otherMachine(
  { lanesAvailable, deno, os, arch }: StartAdvice["environment"],
): string | undefined {
  const here = [navigator.hardwareConcurrency, Deno.version.deno, Deno.build.os, Deno.build.arch];
  const unlike = [["cores", lanesAvailable], ["Deno", deno], ["system", os], ["processor", arch]]
    .flatMap(([what, there], at) =>
      there === here[at] ? [] : [`${what}: ${there}, here ${here[at]}`]
    );
  return unlike.length === 0 ? undefined : unlike.join("; ");
}
