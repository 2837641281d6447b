/**
 * This library's side of every contest. The first argument is the contest, the others depend on it:
 *
 *     buffers     there|back, buffers
 *     calls       calls, one after another on a thread
 *     downloads   sequential|concurrent|limited|workers, download|fetch (which task), address,
 *                 downloads, lanes or slots, downloads before
 *     noop        workers|processes, items, lanes, slots, chunk, items before
 *     limits      map|run (all calls at once), items, slots
 *     load        address, downloads, slots, downloads before
 *     one-ms      busy|timer, items
 *     repeated    runs of an empty program
 *     shared      numbers in the table, items
 *     squares     sequential|workers|processes, lanes, first number, how many numbers
 *     start       workers|processes, how often, ready|run (what is waited for)
 */

import {
  concurrent,
  type Executor,
  limited,
  processes,
  sequential,
  task,
  workers,
} from "../../lib/mod.ts";
import {
  connectionsOf,
  emptyRun,
  numbers,
  peakRssBytes,
  type Reading,
  reading,
  readingInTurn,
  readingOfStarts,
  report,
  spreadOf,
  table,
  timed,
} from "./reading.ts";
import { checkedBuffer, checkedMark, turn } from "./tasks.ts";

const TASKS = new URL("./tasks.ts", import.meta.url);
const libraryTask = (name: string) => new URL(`../../lib/tasks/${name}.ts`, import.meta.url);
const noopTask = task<typeof import("../../lib/tasks/noop.ts")>(libraryTask("noop"));

/** The contests by name: each takes the arguments and returns a reading. */
const CONTESTS: Readonly<Record<string, (...words: string[]) => Promise<Reading>>> = {
  /** Sends buffers of 1 MiB to tasks in a subprocess. */
  async buffers(direction = "back", count = "100") {
    await using executor = processes({ lanes: 1, slots: 4 });
    const there = task<typeof import("./tasks.ts"), "there">(TASKS, "there");
    const back = task<typeof import("./tasks.ts"), "back">(TASKS, "back");
    const pass = async (buffers: Uint8Array[]): Promise<number[]> => {
      if (direction === "there") return await executor.map(there, buffers).toArray();
      const marks: number[] = [];
      for await (const buffer of executor.map(back, buffers)) marks.push(checkedMark(buffer));
      return marks;
    };
    await pass(numbers(8).map(checkedBuffer));
    const sent = numbers(Number(count)).map(checkedBuffer);
    return await reading(() => pass(sent));
  },

  /** Calls `run` again and again, one call after another. */
  async calls(count = "1000") {
    await using executor = workers({ lanes: 1 });
    const run = (item: number) => executor.run(noopTask, item);
    await Promise.all(numbers(Math.max(200, Number(count) / 10)).map(run));
    return await readingInTurn(numbers(Number(count)), run);
  },

  /** Runs functions that wait for the event loop's next turn, a limited number at once. */
  async limits(by = "map", items = "1000", slots = "64") {
    await using executor = limited({ slots: Number(slots) });
    const mapAll = (items: readonly number[]) =>
      by === "map"
        ? executor.map(turn, items).toArray()
        : Promise.all(items.map((item) => executor.run(turn, item)));
    await mapAll(numbers(Number(items) / 10));
    const input = numbers(Number(items));
    return { ...await reading(() => mapAll(input)), peakRssBytes: peakRssBytes() };
  },

  /** Downloads one page many times; also reads the time of each, peak memory and connections. */
  async load(url = "", count = "1000", slots = "64", before = "0") {
    const download = task<typeof import("../../lib/tasks/download.ts")>(libraryTask("download"));
    await using executor = limited({ slots: Number(slots) });
    await executor.map(download, Array<string>(Number(before)).fill(url)).toArray();
    const times = new Float64Array(Number(count));
    const { value: sum, ms } = await timed(async () => {
      let sum = 0;
      const urls = Array<string>(times.length).fill(url);
      for await (const outcome of executor.mapSettled(download, urls, { order: "completion" })) {
        times[outcome.index] = outcome.endedAtMs - outcome.startedAtMs;
        sum += outcome.status === "fulfilled" ? outcome.value.bytes : NaN;
      }
      return sum;
    });
    const p99Ms = times.sort()[Math.floor(0.99 * times.length)]!;
    const connections = await connectionsOf(url);
    return { items: times.length, sum, ms, p99Ms, peakRssBytes: peakRssBytes(), connections };
  },

  /** Passes a table to two threads for tiny tasks that read one number each; timed from opening the threads. */
  async shared(size = "1000", count = "1000") {
    const read = task<typeof import("./tasks.ts"), "read">(TASKS, "read");
    const shared = table(Number(size));
    return await reading(async () => {
      await using executor = workers({ lanes: 2, shared });
      return await executor.map(read, numbers(Number(count))).toArray();
    });
  },

  async downloads(
    model = "",
    kind = "download",
    url = "",
    count = "160",
    size = "1",
    before = "0",
  ) {
    const open = (): Executor => {
      if (model === "sequential") return sequential();
      if (model === "concurrent") return concurrent();
      if (model === "limited") return limited({ slots: Number(size) });
      return workers({ lanes: Number(size) });
    };
    const download = task<typeof import("../../lib/tasks/download.ts")>(libraryTask("download"));
    const fetchPage = task<typeof import("./tasks.ts"), "fetchPage">(TASKS, "fetchPage");
    await using executor = open();
    const downloadAll = async (items: number): Promise<number[]> => {
      const urls = Array<string>(items).fill(url);
      if (kind === "fetch") return await executor.map(fetchPage, urls).toArray();
      const pages = await executor.map(download, urls).toArray();
      return pages.map(({ bytes }) => bytes);
    };
    await executor.ready(kind === "fetch" ? fetchPage : download);
    await downloadAll(Number(before));
    return await reading(() => downloadAll(Number(count)));
  },

  async noop(
    model = "workers",
    items = "1000",
    lanes = "2",
    slots = "1",
    chunk = "auto",
    before = "0",
  ) {
    const options = { chunk: chunk === "auto" ? chunk : Number(chunk) } as const;
    const open = model === "workers" ? workers : processes;
    await using executor = open({ lanes: Number(lanes), slots: Number(slots) });
    await executor.map(noopTask, numbers(Number(before)), options).toArray();

    const input = numbers(Number(items));
    return await reading(() => executor.map(noopTask, input, options).toArray());
  },

  /** Runs tasks of one millisecond, one after another. */
  async "one-ms"(mode = "busy", items = "100") {
    const oneMs = task<typeof import("./tasks.ts"), "busy" | "timer">(
      TASKS,
      mode === "busy" ? "busy" : "timer",
    );
    await using executor = sequential();
    await executor.map(oneMs, numbers(20)).toArray();

    const input = numbers(Number(items));
    return await reading(async () => {
      const results: number[] = [];
      for await (const result of executor.map(oneMs, input)) results.push(result);
      return results;
    });
  },

  async repeated(runs = "20") {
    const { program, args } = emptyRun();
    const run = async () => {
      const unheard = { stdin: "null", stdout: "null", stderr: "null" } as const;
      const { success } = await new Deno.Command(program, { args, ...unheard }).output();
      if (!success) throw new Error("The command failed");
    };
    await run();
    await using executor = sequential();
    const outcomes = await executor.mapSettled(run, numbers(Number(runs))).toArray();
    return spreadOf(
      outcomes.filter(({ status }) => status === "fulfilled")
        .map(({ startedAtMs, endedAtMs }) => endedAtMs - startedAtMs),
    );
  },

  /** Computes sums of squares. */
  async squares(model = "sequential", lanes = "2", first = "0", count = "0") {
    const sums = task<typeof import("../../lib/tasks/sum_squares.ts")>(libraryTask("sum_squares"));
    await using executor = model === "sequential"
      ? sequential()
      : (model === "workers" ? workers : processes)({ lanes: Number(lanes) });
    await executor.ready(sums);

    const items = Array.from({ length: Number(count) }, (_, index) => Number(first) + index);
    const { value: results, ms } = await timed(() => executor.map(sums, items).toArray());
    return { items: results.length, sum: results.reduce((sum, part) => sum + part, 0n), ms };
  },

  /** Opens lanes until ready, or until the first result; closing them isn't counted. */
  async start(model = "processes", count = "10", until = "ready") {
    const readyMs = async (): Promise<number> => {
      const start = performance.now();
      await using executor = (model === "workers" ? workers : processes)({ lanes: 1 });
      // A lane is ready when it can take tasks; loading a task takes extra time.
      if (until === "ready") await executor.ready();
      else await executor.run(noopTask, 1);
      return performance.now() - start;
    };
    return await readingOfStarts(Number(count), readyMs);
  },
};

const [contest = "", ...args] = Deno.args;
report(await CONTESTS[contest]!(...args));
