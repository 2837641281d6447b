/** Input for a {@linkcode LaneServer}, and its reports. */

import type { Report } from "../../../lib/lanes/lane.ts";
import {
  batchHead,
  encode,
  FromLane,
  type Payload,
  readReport,
  ToLane,
} from "../../../lib/lanes/remote/channel.ts";
import type { LaneServer } from "../../../lib/lanes/remote/lane_server.ts";
import { batchOf, type BatchOptions } from "../batch.ts";
import { carried, type Message, serverOver } from "./fake_channel.ts";
import { taskNamed } from "./tasks.ts";
import { toThread } from "./ways.ts";

type TaskName = Parameters<typeof taskNamed>[0];

/** The ids of the tests' tasks. */
export const NUMBERS: Readonly<Record<TaskName, number>> = {
  same: 1,
  gated: 2,
  play: 3,
  nothing: 4,
};

/** A server that has loaded the tasks; `said` holds its later messages. */
export async function loaded(options: Parameters<typeof serverOver>[0] = {}) {
  const over = serverOver(options);
  for (const name of ["same", "gated", "play"] as const) await load(over, name);
  over.said.length = 0;
  return over;
}

export async function load({ server, next }: ReturnType<typeof serverOver>, name: TaskName) {
  const answered = next(name === "nothing" ? FromLane.unloadable : FromLane.loaded);
  server.receive(ToLane.load, [NUMBERS[name]], { ...taskNamed(name), isProgram: false });
  return await answered;
}

/** Sends the server a batch. */
export function give(
  server: LaneServer,
  id: number,
  name: TaskName,
  items: readonly unknown[],
  options: BatchOptions = {},
): void {
  const cloning = toThread();
  const special = items.some((item) => item instanceof Error);
  const head = batchHead(id, NUMBERS[name], batchOf(items, options), items.length);
  server.receive(ToLane.batch, head, carried(cloning, encode(items, undefined, special, cloning)));
}

/** The server's reports, as the caller reads them. */
export function reports(said: readonly Message[]): (Report & { readonly id: number })[] {
  return said.filter(({ kind }) => kind === FromLane.report).map(({ head, payload }) => {
    return { id: head[0]!, ...readReport(Float64Array.from(head), 0, payload as Payload) };
  });
}

/** A report in short: its batch, the values of its items, and the failed items' offsets and endings. */
export function short({ id, count, values, failures }: ReturnType<typeof reports>[number]) {
  const all = Array.from({ length: count }, (_, at) => values?.[at]);
  return [id, all, (failures ?? []).map(({ offset, ended }) => `${offset} ${ended}`)];
}
