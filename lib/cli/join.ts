/** Runs `deno task lane`: joins a cluster, or lists and removes the queues that jobs left on its server. */

import {
  BEAT_MS,
  BrokerError,
  type JobBeat,
  queueOf,
  type ServerOptions,
  Subject,
} from "../lanes/cluster/broker.ts";
import { JoinedMachine, type MachineOptions, type MachineState } from "../lanes/cluster/machine.ts";
import {
  DEAD_QUEUE,
  type NatsBroker,
  openNats,
  type QueueInfo,
} from "../lanes/cluster/nats_broker.ts";
import { UsageError } from "../text/option_values.ts";
import { ProgressLine } from "../progress/progress.ts";
import { type Column, textTable } from "../report/document.ts";
import { styleOfStdout } from "../report/terminal.ts";
import { counted, formatBytes, formatCount, formatRate } from "../text/format.ts";
import { plain } from "../text/plain.ts";
import { print } from "../text/print.ts";

/** @throws {UsageError} If the server can't be used. */
async function openServer(server: ServerOptions): Promise<NatsBroker> {
  try {
    return await openNats(server);
  } catch (error) {
    throw error instanceof BrokerError ? usageError(error) : error;
  }
}

const usageError = ({ where, problem, remedy }: BrokerError) =>
  new UsageError("--servers", where, problem, remedy);

/** How often the line is redrawn on a terminal, and a new one printed elsewhere, in milliseconds. */
const DRAW_MS = 500;
const PRINT_MS = 10_000;

export async function join(
  server: ServerOptions,
  options: Omit<MachineOptions, "onRefused">,
  signal: AbortSignal,
): Promise<void> {
  const broker = await openServer(server);
  const line = new ProgressLine("");
  const say = (text: string) => line.say(plain(text));
  const seen = new Set<string>();
  await using machine = new JoinedMachine(broker, {
    ...options,
    onRefused: (why) => {
      if (seen.has(why)) return;
      seen.add(why);
      say(`lane: refused: ${why}`);
    },
  });
  const { name, lanes } = options;
  say(`${name} has joined ${broker.where} with ${counted(lanes, "lane")}; Ctrl-C leaves`);
  let last = "";
  let items = 0;
  const everyMs = line.moves ? DRAW_MS : PRINT_MS;
  const timer = setInterval(() => {
    const { state } = machine;
    const text = stateText(state, lanes, (state.items - items) / (everyMs / 1000));
    items = state.items;
    if (line.moves) line.show(state.busy / lanes, text);
    else if (text !== last) say(`${name}: ${text}`);
    last = text;
  }, everyMs);
  try {
    const left = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => left.resolve(), { once: true });
    if (signal.aborted) left.resolve();
    const gone = await Promise.race([left.promise, broker.gone]);
    if (gone !== undefined) throw usageError(gone);
    if (machine.state.jobs === 0 || !broker.isConnected) return;
    say(`${name} leaves once what runs here has ended; Ctrl-C again leaves at once`);
    await Promise.race([machine.leave(), broker.gone]);
  } finally {
    clearInterval(timer);
    line.end();
  }
}

export function stateText(
  { isConnected, busy, jobs, items }: MachineState,
  lanes: number,
  rate: number,
): string {
  if (!isConnected) return "the server doesn't answer";
  const what = jobs === 0
    ? "waits for a job"
    : `${busy} of ${counted(lanes, "lane")} busy for ${counted(jobs, "job")}`;
  return `${what}, ${counted(items, "item")} done` +
    (rate > 0 ? `, ${formatRate(rate)}` : "");
}

interface Left extends QueueInfo {
  readonly isAlive: boolean;
}

const COLUMNS: readonly Column<Left>[] = [
  { head: "queue", cell: ({ name }) => name, left: true },
  { head: "job", cell: ({ name, isAlive }) => stateOf(name, isAlive), left: true },
  { head: "messages", cell: ({ messages }) => formatCount(messages) },
  { head: "size", cell: ({ bytes }) => formatBytes(bytes) },
  { head: "made", cell: ({ createdAt }) => createdAt.slice(0, 16).replace("T", " ") },
];

function stateOf(name: string, isAlive: boolean): string {
  if (name === DEAD_QUEUE) return "items that ended lanes twice";
  return isAlive ? "under way" : "gone";
}

/** Lists the queues, after waiting long enough for every job under way to send a beat. */
async function queuesOf(broker: NatsBroker): Promise<Left[]> {
  const alive = new Set<string>();
  broker.listen(Subject.job("*"), (beat) => void alive.add(queueOf((beat as JobBeat).job)));
  await new Promise((resolve) => setTimeout(resolve, 2 * BEAT_MS));
  return (await broker.queues()).map((queue) => ({ ...queue, isAlive: alive.has(queue.name) }));
}

/** Lists the queues of jobs on the server; with `purge`, lists and removes those of jobs that are gone. */
export async function lookAfter(server: ServerOptions, purge: boolean): Promise<void> {
  const broker = await openServer(server);
  try {
    const queues = await queuesOf(broker);
    const shown = purge ? queues.filter(({ isAlive }) => !isAlive) : queues;
    if (shown.length === 0) {
      return print(purge ? "Nothing is left to remove" : "No job has anything on the server");
    }
    print(textTable(COLUMNS, shown, styleOfStdout()).trimEnd());
    for (const { job, task, index, reason } of await broker.deadLetters()) {
      print(plain(`job ${job}, item ${index} of ${task}: ${reason}`));
    }
    if (!purge) return;
    for (const { name } of shown) await broker.removeQueue(name);
    print(`Removed ${counted(shown.length, "queue")}`);
  } finally {
    await broker.close();
  }
}
