/**
 * What it means that models give different results.
 *
 * @module
 */

import { nameOf } from "../prediction/candidate.ts";
import type { Runner } from "../race/race_options.ts";

/**
 * Says why results differ from those of the plain loop, as far as it is known.
 *
 * @param runners What ran in the race.
 * @param orderMatters Whether the plain loop run from last to first gives other results too; undefined if
 * that is not known.
 * @returns What to tell, with the remedy; undefined if no results differ.
 *
 * @example
 * ```ts
 * import { differing } from "./differing.ts";
 *
 * const candidate = { model: "workers", lanes: 2, slots: 1 } as const;
 * const found = differing([{ candidate, items: 9, rounds: [], out: "results" }], true);
 * console.log(found?.kind); // "order"
 * ```
 */
export function differing(
  runners: readonly Runner[],
  orderMatters: boolean | undefined,
): { readonly kind: "order" | "results"; readonly text: string } | undefined {
  const wrong = runners.filter(({ out }) => out === "results").map(({ candidate }) => candidate);
  if (wrong.length === 0) return undefined;
  const names = wrong.map(nameOf).join(", ");
  const told = `The results differ from those of the plain loop under ${names}`;
  if (orderMatters === undefined) {
    return {
      kind: "results",
      text:
        `${told}: the tasks share state, or depend on the order in which they run. A lane has ` +
        `memory of its own, and tasks in one lane take turns at every await. Give each task all it ` +
        `needs in its item.`,
    };
  }
  if (orderMatters) {
    return {
      kind: "order",
      text:
        `${told}, and under the plain loop itself once the items are run from last to first: a ` +
        `task's result depends on which tasks ran before it (a counter, a cache, a sequence of random ` +
        `numbers). Give each task all it needs in its item, such as its number or a seed.`,
    };
  }
  const loops = wrong.some(({ lanes }) => lanes === 1);
  return {
    kind: "results",
    text: `${told}, but not when the plain loop runs the items from last to first: ` +
      (loops
        ? `it isn't the order, but tasks in flight at the same time that change what they share. ` +
          `Don't read something before an await and write it behind; keep it in the task.`
        : `it isn't the order, but memory that each lane has of its own: a module's variables are not ` +
          `shared between lanes. Give each task all it needs in its item.`),
  };
}
