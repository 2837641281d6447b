/** The last that happens in a lane: what was set up there is disposed, within a time. */

import { TeardownError } from "./errors.ts";

/** A longer wait doesn't fit into a timer, and would end at once. */
const MOST_TIMER_MS = 2 ** 31 - 1;

/**
 * Waits until everything is disposed, but not for longer than the grace time.
 *
 * @throws {TeardownError} If something failed, or didn't end in time.
 */
export async function closeWithin(
  graceMs: number,
  dispose: () => Promise<readonly TeardownError[]>,
  holds: () => boolean,
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<readonly TeardownError[]>((resolve) => {
    const end = () => resolve(holds() ? [tooLate(graceMs)] : []);
    timer = setTimeout(end, Math.min(graceMs, MOST_TIMER_MS));
  });
  const failures = await Promise.race([dispose(), late]).finally(() => clearTimeout(timer));
  if (failures.length > 0) throw allAsOne(failures);
}

function tooLate(graceMs: number): TeardownError {
  return new TeardownError(
    `The teardown of a lane has not ended after its grace time of ${graceMs} ms and was given up; ` +
      "give it longer with graceMs",
  );
}

/** The first, which says how many others there are. */
export function allAsOne(failures: readonly TeardownError[]): TeardownError {
  const [first] = failures;
  if (failures.length === 1) return first!;
  return new TeardownError(`${first!.message} (the first of ${failures.length} such failures)`, {
    cause: first!.cause,
  });
}
