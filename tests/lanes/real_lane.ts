/** Checks that lanes on threads and in processes have in common, made with real lanes. */

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import type { RemoteLane } from "../../lib/lanes/remote/remote_lane.ts";
import type { Task } from "../../lib/lanes/task.ts";
import { batchOf } from "./batch.ts";
import { Told } from "./remote/fake_channel.ts";

/** A task of this code: the expression after `export default`, and the code before it. */
export function taskOf(code: string, before = ""): Task {
  const module = encodeURIComponent(`${before}; export default ${code}`);
  return { module: `data:text/javascript,${module}`, export: "default" };
}

/** The events of a real lane, with a promise of its death. */
export class RealTold extends Told {
  readonly #death = Promise.withResolvers<void>();
  readonly death = this.#death.promise;

  override died(death: Parameters<Told["died"]>[0]): void {
    super.died(death);
    this.#death.resolve();
  }
}

export async function runsWhatItIsSent(lane: RemoteLane, told: RealTold): Promise<void> {
  const double = batchOf([1, 2], { task: taskOf("(n) => 2 * n") });
  const fails = batchOf([1], {
    task: taskOf("() => { throw Object.assign(new RangeError('no'), { code: 'E' }) }"),
  });
  lane.send(double);
  lane.send(fails);
  assert(await lane.ready > 0);
  assertEquals(await told.values(double), [2, 4]);
  await told.last(fails);
  const reason = told.reports.find(({ batch }) => batch === fails)!.report.failures![0]!.reason;
  assertInstanceOf(reason, RangeError);
  assertEquals((reason as RangeError & { code: string }).code, "E");
}

/** Code that ends its lane, and the report of that. */
export interface Ending {
  readonly name: string;
  readonly code: string;
  readonly how: string;
  readonly error?: string;
}

export const ENDINGS: readonly Ending[] = [
  { name: "closes it", code: "() => self.close()", how: "called self.close()" },
  { name: "exits", code: "() => Deno.exit(3)", how: "called Deno.exit(3)" },
  { name: "exits without a code", code: "() => Deno.exit()", how: "called Deno.exit()" },
  {
    name: "throws in a timer",
    code: "() => new Promise(() => setTimeout(() => { throw new RangeError('x') }))",
    how: "threw outside the task",
    error: "RangeError: x",
  },
  {
    name: "leaves a rejection",
    code: "() => new Promise(() => void Promise.reject(new RangeError('x')))",
    how: "left a rejection unhandled",
    error: "RangeError: x",
  },
];

export async function isToldHowItEnds(
  { code, how, error }: Ending,
  lane: RemoteLane,
  told: RealTold,
): Promise<void> {
  lane.send(batchOf([1], { task: taskOf(code) }));
  await told.death;
  const [death, ...others] = told.deaths;
  assertEquals([death!.how, death!.starting, others], [how, false, []]);
  assertEquals(death!.error === undefined ? undefined : String(death!.error), error);
  assertEquals(told.unloadables, []);
}

export async function losesNothingThatHadEnded(lane: RemoteLane, told: RealTold): Promise<void> {
  const task = taskOf("(item) => item === 'fatal' ? Deno.exit(3) : item");
  const batch = batchOf(["a", "b", "fatal", "c"], { task });
  lane.send(batch);
  await told.death;
  assertEquals(told.reports.map(({ report: { count, values } }) => [count, values]), [
    [2, ["a", "b"]],
  ]);
  const at = lane.progress(batch);
  assert(at.state === "running" && at.offset === 2);
}
