/**
 * The other side of contests with nothing around it: programs as bare as can be, and tools in C. The first
 * argument is the contest, the others depend on it:
 *
 *     buffers     there|back, buffers: a pipe to a subprocess, a length before each buffer
 *     native      gcc's flags, first number, how many numbers: sums of squares in C
 *     one-ms      busy|timer, items: a `for await … of` loop
 *     repeated    runs of an empty program, timed by hyperfine
 *     squares     first number, how many numbers, processes that share nothing
 *     start       how often, ready|run: Web Workers that post a message when loaded, or one result
 *     starts      which program, how often: from its start to its end
 *     trips       how many: to a thread and back, through memory in which each side wakes the other
 *     wrk         address, slots, a page's bytes: a client that ignores what it receives, for two seconds
 *
 * The subprocesses and the thread of these contests run this program, too.
 */

/// <reference lib="deno.worker" />

import { fileURLToPath } from "node:url";
import {
  connectionsOf,
  emptyRun,
  numbers,
  printedBy,
  type Reading,
  reading,
  readingInTurn,
  readingOfStarts,
  report,
  spreadOf,
  timed,
} from "./reading.ts";
import { busy, checkedBuffer, checkedMark, timer } from "./tasks.ts";

const fileAt = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const HEADER_BYTES = 4;

/** Returns a function that reads exactly `bytes` bytes of a stream at a time, into memory of its own. */
function frames(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
  const reader = stream.getReader({ mode: "byob" });
  return async function read(bytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { value } = await reader.read(new Uint8Array(bytes), { min: bytes });
    return value?.byteLength === bytes ? value : undefined;
  };
}

function header(bytes: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES));
  view.setUint32(0, bytes);
  return new Uint8Array(view.buffer);
}

async function nextFrame(
  read: ReturnType<typeof frames>,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const head = await read(HEADER_BYTES);
  return head && await read(new DataView(head.buffer).getUint32(0));
}

async function answerFrames(direction: string): Promise<void> {
  const read = frames(Deno.stdin.readable as ReadableStream<Uint8Array<ArrayBuffer>>);
  const writer = Deno.stdout.writable.getWriter();
  for (let frame = await nextFrame(read); frame; frame = await nextFrame(read)) {
    const answer = direction === "back" ? frame : header(checkedMark(frame));
    await writer.write(header(answer.byteLength));
    await writer.write(answer);
  }
}

/** Waits until a mark differs from `was`; returns its new value. */
async function next(marks: Int32Array<SharedArrayBuffer>, mark: number, was: number) {
  // A late notice of the change before can end the wait early, so the mark is checked again.
  while (Atomics.load(marks, mark) === was) await Atomics.waitAsync(marks, mark, was).value;
  return Atomics.load(marks, mark);
}

function tell(marks: Int32Array<SharedArrayBuffer>, mark: number, value: number): void {
  Atomics.store(marks, mark, value);
  Atomics.notify(marks, mark);
}

const THERE = 0;
const BACK = 1;

function answerTrips(): void {
  self.onmessage = async ({ data }) => {
    const marks = new Int32Array(data as SharedArrayBuffer);
    self.postMessage("ready");
    for (let was = 0;;) tell(marks, BACK, was = await next(marks, THERE, was));
  };
}

/** Sums the squares of every `processes`-th number, from number `part` on, once it is told to go. */
async function sumPart(...words: string[]): Promise<void> {
  const [first = 0, count = 0, processes = 1, part = 0] = words.map(Number);
  const { plainContext } = await import("../../lib/lanes/lane_tasks.ts");
  const { default: sumSquares } = await import("../../lib/tasks/sum_squares.ts");
  const context = plainContext(0, new AbortController().signal);
  const say = (line: string) => Deno.stdout.write(new TextEncoder().encode(`${line}\n`));
  await say("ready");
  const started = await Deno.stdin.read(new Uint8Array(8));
  if (started === null) return;
  let items = 0;
  let sum = 0n;
  for (let index = part; index < count; index += processes) {
    sum += sumSquares(first + index, context);
    items++;
  }
  await say(`${items} ${sum}`);
}

const run = (path: string) => ["run", "--allow-read", fileAt(path)];

const PROGRAMS: Readonly<Record<string, string[]>> = {
  empty: run("empty.ts"),
  "empty-task": ["task", "--eval", `deno ${run("empty.ts").join(" ")}`],
  help: ["task", "io", "--help"],
  "first-result": run("first_result.ts"),
  "bare-result": run("bare_result.ts"),
};

const WRK_SECONDS = 2;
const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 };

/** The contests by name: each takes the arguments and returns a reading. */
const CONTESTS: Readonly<Record<string, (...words: string[]) => Promise<Reading>>> = {
  async buffers(direction = "back", count = "100") {
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-config", "--no-lock", import.meta.url, "buffers-child", direction],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const read = frames(process.stdout);
    const writer = process.stdin.getWriter();
    const pass = async (buffers: Uint8Array<ArrayBuffer>[]): Promise<number[]> => {
      const marks: number[] = [];
      const writing = (async () => {
        for (const buffer of buffers) {
          await writer.write(header(buffer.byteLength));
          await writer.write(buffer);
        }
      })();
      for (let index = 0; index < buffers.length; index++) {
        const frame = await nextFrame(read);
        if (frame === undefined) break;
        marks.push(
          direction === "back" ? checkedMark(frame) : new DataView(frame.buffer).getUint32(0),
        );
      }
      await writing;
      return marks;
    };
    await pass(numbers(8).map(checkedBuffer));
    const buffers = numbers(Number(count)).map(checkedBuffer);
    const measured = await reading(() => pass(buffers));
    await writer.close();
    await process.status;
    return measured;
  },

  async native(flags = "-O3", ...numbers) {
    const folder = await Deno.makeTempDir();
    try {
      const program = `${folder}/sum_squares`;
      await printedBy("gcc", [...flags.split(" "), "-o", program, fileAt("sum_squares.c")]);
      return JSON.parse(await printedBy(program, numbers));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },

  async "one-ms"(mode = "busy", items = "100") {
    async function* source(items: number[]): AsyncGenerator<number> {
      yield* items;
    }
    const task = mode === "busy" ? busy : timer;
    for await (const item of source(numbers(20))) await task(item);
    const input = numbers(Number(items));
    return await reading(async () => {
      const results: number[] = [];
      for await (const item of source(input)) results.push(await task(item));
      return results;
    });
  },

  async repeated(runs = "20") {
    const file = await Deno.makeTempFile();
    try {
      const { program, args } = emptyRun();
      const how = ["-N", "--warmup", "1", "--runs", runs, "--export-json", file];
      await printedBy("hyperfine", [...how, [program, ...args].join(" ")]);
      const [{ times }] = JSON.parse(await Deno.readTextFile(file)).results;
      return spreadOf(times.map((s: number) => s * 1000));
    } finally {
      await Deno.remove(file);
    }
  },

  /** All processes are started first, then told to go together, each on its part of the numbers. */
  async squares(first = "0", count = "0", processes = "2") {
    const children = Array.from({ length: Number(processes) }, (_, part) => {
      const words = ["squares-child", first, count, processes, String(part)];
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", import.meta.url, ...words],
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      return { child, lines, writer: child.stdin.getWriter() };
    });
    for (const { lines } of children) await lines.read(); // each child's line "ready"
    const { value: answers, ms } = await timed(() =>
      Promise.all(children.map(async ({ writer, lines }) => {
        await writer.write(new TextEncoder().encode("go\n"));
        return (await lines.read()).value ?? "";
      }))
    );
    for (const { child, writer } of children) {
      await writer.close();
      await child.status;
    }
    const parts = answers.map((answer) => answer.trim().split(" "));
    return {
      items: parts.reduce((items, [done]) => items + Number(done), 0),
      sum: parts.reduce((sum, [, part = "0"]) => sum + BigInt(part), 0n),
      ms,
    };
  },

  async start(count = "10", until = "ready") {
    const main = until === "ready" ? "./bare_worker_main.ts" : "./bare_worker_task.ts";
    const startMs = async (): Promise<number> => {
      const start = performance.now();
      const worker = new Worker(new URL(main, import.meta.url), { type: "module" });
      if (until === "run") worker.postMessage(1);
      await new Promise((resolve) => worker.onmessage = resolve);
      const ms = performance.now() - start;
      worker.terminate();
      return ms;
    };
    return await readingOfStarts(Number(count), startMs);
  },

  async starts(which = "empty", count = "10") {
    const silent = { stdin: "null", stdout: "null", stderr: "null" } as const;
    const options = { args: PROGRAMS[which]!, cwd: fileAt("../.."), ...silent };
    const start = () => new Deno.Command(Deno.execPath(), options).output();
    await start();
    const { value: sum, ms } = await timed(async () => {
      let sum = 0;
      for (let index = 0; index < Number(count); index++) sum += (await start()).success ? 1 : 0;
      return sum;
    });
    return { items: Number(count), sum, ms };
  },

  async trips(count = "1000") {
    const worker = new Worker(import.meta.url, { type: "module", name: "trips" });
    const marks = new Int32Array(new SharedArrayBuffer(8));
    worker.postMessage(marks.buffer);
    await new Promise((resolve) => worker.onmessage = resolve);
    let was = 0;
    const trip = async (item: number) => {
      tell(marks, THERE, item);
      return was = await next(marks, BACK, was);
    };
    for (const item of numbers(Number(count) / 10)) await trip(-item);
    const measured = await readingInTurn(numbers(Number(count)), trip);
    worker.terminate();
    return measured;
  },

  async wrk(url = "", slots = "64", bytes = "0") {
    const how = ["-t1", `-c${slots}`, `-d${WRK_SECONDS}s`, "--latency", url];
    const told = await printedBy("wrk", how);
    const [, items = "0"] = / (\d+) requests in /.exec(told) ?? [];
    const [, rate = "0"] = /Requests\/sec: +([\d.]+)/.exec(told) ?? [];
    const [, p99 = "0", unit = "ms"] = /99% +([\d.]+)(us|ms|s)\b/.exec(told) ?? [];
    if (/Non-2xx|Socket errors/.test(told)) throw new Error(`wrk failed: ${told}`);
    return {
      items: Number(items),
      sum: Number(items) * Number(bytes),
      ms: Number(items) * 1000 / Number(rate),
      p99Ms: Number(p99) * UNIT_MS[unit]!,
      connections: await connectionsOf(url),
    };
  },
};

const [contest = "", ...args] = Deno.args;
if (self.name === "trips") answerTrips();
else if (contest === "buffers-child") await answerFrames(...args as [string]);
else if (contest === "squares-child") await sumPart(...args);
else report(await CONTESTS[contest]!(...args));
