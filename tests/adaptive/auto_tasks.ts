/** Tasks for tests of `auto()`. @module */

declare global {
  var onlyInProgram: number;
}

export function kindOf(item: unknown): string {
  return typeof item === "object" ? Object.getPrototypeOf(item).constructor.name : typeof item;
}

/** Whether this is a thread; false in a program's own event loop and in a subprocess. */
export function isThread(_item: number): boolean {
  return "DedicatedWorkerGlobalScope" in globalThis;
}

/** Counts its start; by `fault` it fails, is refused on its first attempt, or ends its thread. */
export function faulty(
  { starts, at, fault }: { starts: Int32Array; at: number; fault: number },
): void {
  const before = Atomics.add(starts, at, 1);
  if (fault < 0.025) throw new Error("it fails");
  if (fault < 0.035 && before === 0) throw Object.assign(new Error("too many"), { status: 429 });
  if (fault > 0.995 && isThread(at)) self.close();
}

/** Fails in a thread, as if something were set up only in the program's event loop. */
export function onlyHere(item: number): number {
  if (isThread(item)) throw new TypeError("nothing is set up here");
  return item;
}

/** Needs a name that only the program has. */
export function needsName(item: number): number {
  return item + onlyInProgram;
}

/** Computes for a while in the event loop; in a thread it waits for the gate. */
export function waitsElsewhere({ gate }: { gate: Int32Array }): number {
  if (isThread(0)) Atomics.wait(gate, 0, 0, 10_000);
  let sum = 0;
  for (let at = 0; !isThread(0) && at < 20_000_000; at++) sum += at;
  return sum;
}

/** Ends the thread that it runs in. */
export async function endsItsThread(item: number): Promise<number> {
  if (isThread(item)) {
    self.close();
    await new Promise(() => {});
  }
  return item;
}

/** A result of a class of this module. */
export class Point {
  constructor(readonly x: number) {}
}

/** An error of a class of this module. */
export class PointError extends Error {}

/** Returns for some items a value that can't be sent from a lane unchanged. */
export function rarely(item: number): unknown {
  if (item % 20 === 19) return new Point(item);
  if (item % 20 === 9) return new URL(`http://localhost/${item}`);
  return item;
}

/** Throws an error that can't be sent from a lane unchanged. */
export function throws(item: number): never {
  throw new PointError(`no ${item}`);
}
