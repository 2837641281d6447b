/**
 * All contests, by family: who is raced against whom, at what, and what the results have to add up to.
 */

import { FAMILIES, type Family } from "../../../lib/report/peers/families.ts";
import {
  type Aim,
  type Contender,
  type Contest,
  EACH_MS,
  EACH_US,
  type Machine,
  perSecond,
  SPREAD,
  TOTAL_MS,
} from "./contest.ts";
import { installed, node, own, python, pythonName, withPackage } from "./programs.ts";
import * as packages from "../packages.ts";
import { BUFFER_BYTES } from "../tasks.ts";

/** The sum of the numbers 1 to `count`. */
export function sumOfNumbers(count: number): bigint {
  return BigInt(count) * BigInt(count + 1) / 2n;
}

/** The sum of 0² + 1² + … + (n − 1)², for each of `count` numbers n from `first` on, added up. */
export function sumOfSquares(first: number, count: number): bigint {
  let sum = 0n;
  for (let index = 0; index < count; index++) {
    const n = BigInt(first + index);
    sum += (n - 1n) * n * (2n * n - 1n) / 6n;
  }
  return sum;
}

/** How many squares that takes. */
export function squaresIn(first: number, count: number): number {
  return count * first + count * (count - 1) / 2;
}

/** In flight on each of two lanes, of ours and of the pools that take it. */
const DEPTH = 64;

/**
 * Name, package, and the depth at which one at a time goes best: piscina's threads wait in
 * shared memory only while they may hold no second task; tinypool hangs on Deno with a depth of 1.
 */
const NPM_POOLS = [
  ["piscina", packages.PISCINA, 1],
  ["tinypool", packages.TINYPOOL, DEPTH],
  ["poolifier", packages.POOLIFIER, DEPTH],
  ["workerpool", packages.WORKERPOOL, 1],
  ["jest-worker", packages.JEST_WORKER, 1],
] as const;

function npmPeer(
  name: string,
  specifier: string,
  mode: "one" | "all",
  items: number,
  depth: number,
  aim: Aim,
): Contender {
  return {
    name: `${name} ${specifier.split("@")[1]}`,
    ...withPackage(specifier, "npm_pools.ts", name, mode, items, depth),
    items,
    sum: sumOfNumbers(items),
    aim,
  };
}

function npmPools(mode: "one" | "all", items: number, aim: Aim): Contender[] {
  return NPM_POOLS.map(([name, specifier, depth]) =>
    npmPeer(name, specifier, mode, items, mode === "one" ? depth : DEPTH, aim)
  );
}

/** Python's processes that pass no-op items: the name, the module that it is in, what runs it, items. */
const PYTHON_PROCESSES = [
  ["multiprocessing.Pool(2).map", undefined, "pool", 2_000_000],
  ["ProcessPoolExecutor(2).map, chunks of 1,000", undefined, "executor", 1_000_000],
  ["joblib Parallel(n_jobs=2), its loky", "joblib", "joblib", 200_000],
] as const;

function pythonProcesses(machine: Machine, aim: Aim): Contender[] {
  return PYTHON_PROCESSES.map(([name, module, mode, items]) => ({
    name: `${name}, Python ${machine.python?.version ?? "3"}`,
    ...python(machine.python?.program, module, "python_pool.py", mode, items),
    items,
    sum: sumOfNumbers(items),
    aim,
  }));
}

/** What limits how many functions are in flight: the name, the package, how much more we may cost. */
const NPM_LIMITS = [
  // It knows no deadline, no retry and no call that comes later.
  ["p-map", packages.P_MAP, 2],
  ["p-queue", packages.P_QUEUE, 1],
  ["p-limit", packages.P_LIMIT, 1],
] as const;

/** Functions that wait, so many at once in one event loop. */
function limits(by: "map" | "run"): Contest {
  const [items, slots] = [100_000, 64];
  const work = { items, sum: sumOfNumbers(items) };
  const what = by === "map" ? "items that wait for a turn" : "calls of run() that wait for a turn";
  return {
    family: "pools",
    title: `${items.toLocaleString("en")} ${what}, ${slots} at once in one event loop`,
    unit: EACH_US,
    ours: {
      name: `limited({ slots: ${slots} }).${by}`,
      launch: own("ours.ts", "limits", by, items, slots),
      ...work,
    },
    // p-map takes a list, and no calls.
    peers: NPM_LIMITS.filter(([name]) => by === "map" || name !== "p-map").map((
      [name, specifier, atMost],
    ) => ({
      name: `${name} ${specifier.split("@")[1]}`,
      ...withPackage(specifier, "npm_limits.ts", name, items, slots),
      ...work,
      aim: { of: "ratio", atMost },
    })),
  };
}

/** A table that all tasks read, and tiny tasks. */
function sharedTable(machine: Machine): Contest {
  const [size, items] = [2_500_000, 20_000];
  const work = { items, sum: sumOfNumbers(items) };
  const aim: Aim = { of: "ratio", atMost: 1 };
  return {
    family: "pools",
    title: "20 MB that 20,000 tiny tasks on two lanes share, from opening them to the last result",
    unit: TOTAL_MS,
    ours: {
      name: "workers({ lanes: 2, shared })",
      launch: own("ours.ts", "shared", size, items),
      ...work,
    },
    peers: [{
      name: `piscina ${packages.PISCINA.split("@")[1]}, workerData`,
      ...withPackage(packages.PISCINA, "npm_shared.ts", size, items),
      ...work,
      aim,
    }, {
      name: "joblib Parallel(n_jobs=2), its memory map",
      ...python(machine.python?.program, "joblib, numpy", "python_shared.py", size, items),
      ...work,
      aim,
    }],
  };
}

function ours(name: string, items: number, ...args: (string | number)[]): Contender {
  const [model = "", ...rest] = args;
  return {
    name,
    launch: own("ours.ts", "noop", model, items, ...rest),
    items,
    sum: sumOfNumbers(items),
  };
}

/** The contests of pools that pass no-op items. */
function pools(machine: Machine): Contest[] {
  const family = "pools";
  const rate = perSecond("items");
  const bulk = 4_000_000;
  return [
    {
      family,
      title: "no-op items on two worker lanes, in chunks",
      unit: rate,
      ours: ours("workers({ lanes: 2 })", bulk, "workers", 2, 1, "auto", bulk / 4),
      peers: [
        ...pythonProcesses(machine, { of: "ratio", atLeast: 2 }),
        ...npmPools("all", 10_000, { of: "ratio", atLeast: 50 }),
      ],
    },
    {
      family,
      title: "no-op round trips to a worker lane, one at a time",
      unit: EACH_US,
      ours: {
        ...ours("workers({ lanes: 1 }), chunk 1", 3_000, "workers", 1, 1, 1, 300),
        aim: { of: "figure", atMost: 10 },
      },
      peers: npmPools("one", 3_000, { of: "ratio", atMost: 1 }),
    },
    {
      family,
      title: "calls of run() to a worker lane, one at a time",
      unit: EACH_US,
      ours: {
        ...ours("workers({ lanes: 1 }).run", 3_000),
        launch: own("ours.ts", "calls", 3_000),
      },
      peers: [
        {
          name: "bare shared memory, each side woken by the other",
          launch: own("bare_round_trip.ts", 3_000),
          items: 3_000,
          sum: sumOfNumbers(3_000),
        },
        ...npmPools("one", 3_000, { of: "ratio", atMost: 1 }),
      ],
    },
    {
      family,
      title: `no-op round trips to two worker lanes, ${DEPTH} in flight on each`,
      unit: rate,
      ours: ours(`workers({ slots: ${DEPTH} }), chunk 1`, 10_000, "workers", 2, DEPTH, 1, 1_000),
      peers: npmPools("all", 10_000, { of: "ratio", atLeast: 2 }),
    },
    {
      family,
      title: "no-op items on two process lanes, in chunks",
      unit: rate,
      ours: ours("processes({ lanes: 2 })", bulk, "processes", 2, 1, "auto", bulk / 4),
      peers: pythonProcesses(machine, { of: "ratio", atLeast: 1.5 }),
    },
    limits("map"),
    limits("run"),
    sharedTable(machine),
  ];
}

type Words = readonly (string | number)[];

/** One of us, and a bare program that does the same with nothing around it. */
function againstBare(
  contest: Pick<Contest, "title" | "unit"> & { readonly family?: Family },
  work: Pick<Contender, "items" | "sum" | "work">,
  [name, file, ...args]: [string, string, ...Words],
  [bareName, bareFile, ...bareArgs]: [string, string, ...Words],
  aim?: Aim,
): Contest {
  return {
    family: "pools",
    ...contest,
    ours: { name, launch: own(file, ...args), ...work },
    peers: [{ name: bareName, launch: own(bareFile, ...bareArgs), ...work, ...(aim && { aim }) }],
  };
}

function buffers(direction: "there" | "back", title: string): Contest {
  const items = 300;
  return againstBare(
    { title, unit: perSecond("MiB") },
    { items, sum: sumOfNumbers(items), work: items * BUFFER_BYTES / 2 ** 20 },
    ["processes({ lanes: 1 })", "ours.ts", "buffers", direction, items],
    ["bare pipe, a length before each", "bare_pipe.ts", direction, items],
    { of: "ratio", atLeast: 0.9 },
  );
}

function oneMs(mode: "busy" | "timer", title: string): Contest {
  const items = 300;
  return againstBare(
    { title, unit: perSecond("items") },
    { items, sum: sumOfNumbers(items) },
    ["sequential()", "ours.ts", "one-ms", mode, items],
    ["bare for await … of loop", "bare_loop.ts", mode, items],
    { of: "ratio", atLeast: 0.97 },
  );
}

function downloads(machine: Machine, kind: "download" | "fetch", title: string): Contest {
  const { site, bytes } = machine.page;
  const [items, before, slots] = [10_000, 2_000, 64];
  const work = { items, sum: BigInt(items * bytes) };
  const bare = (name: string, client: string, aim?: Aim): Contender => ({
    name,
    launch: own("http_client.js", client, `${site}/0`, items, slots, before),
    ...work,
    ...(aim && { aim }),
  });
  const ours = ["downloads", "limited", kind, `${site}/0`, items, slots, before];
  return {
    family: "pools",
    title,
    unit: perSecond("pages"),
    ours: { name: `limited({ slots: ${slots} })`, launch: own("ours.ts", ...ours), ...work },
    peers: [
      bare("bare fetch loop", "fetch", { of: "ratio", atLeast: kind === "fetch" ? 0.95 : 0.92 }),
      ...(kind === "fetch" ? [] : [bare("bare loop with the same checks", "checked")]),
    ],
  };
}

function twoSeconds(model: "workers" | "processes"): Contest {
  const [first, count] = [120_000_000, 80];
  const title = `two seconds of sums of squares on two ${model.replace(/e?s$/, "")} lanes`;
  return againstBare(
    { title, unit: SQUARES },
    squares(first, count),
    [`${model}({ lanes: 2 })`, "ours.ts", "squares", model, 2, first, count],
    ["two processes that share nothing", "independent.ts", first, count, 2],
    { of: "ratio", atLeast: 0.97 },
  );
}

function bare(machine: Machine): Contest[] {
  return [
    buffers("back", "buffers of 1 MiB to a subprocess and back"),
    buffers("there", "buffers of 1 MiB to a subprocess"),
    oneMs("busy", "tasks that compute for 1 ms, one after another"),
    oneMs("timer", "tasks that wait for 1 ms, one after another"),
    downloads(machine, "fetch", "pages without latency, 64 at once, by a bare fetch task"),
    downloads(machine, "download", "pages without latency, 64 at once, by the download task"),
    twoSeconds("workers"),
    twoSeconds("processes"),
  ];
}

/** What the site waits before it answers, in milliseconds. */
const LATENCY_MS = 50;
const PAGES = 160;
/** One after another, 160 would take nine seconds a round and tell no more than 20 do. */
const PAGES_IN_SEQUENCE = 20;

function io(machine: Machine): Contest[] {
  const { site, bytes } = machine.page;
  const url = `${site}/${LATENCY_MS}`;
  const pages = (items: number) => ({ items, sum: BigInt(items * bytes) });
  const ours = (
    model: string,
    size: number,
    name: string,
    items = PAGES,
  ): Contender => ({
    name,
    launch: own("ours.ts", "downloads", model, "download", url, items, size),
    ...pages(items),
  });
  const aiohttp = (name: string, connections: number, inFlight: number): Contender => ({
    name,
    ...python(
      machine.python?.program,
      "aiohttp",
      "python_aiohttp.py",
      ...[url, PAGES, connections, inFlight],
    ),
    ...pages(PAGES),
    aim: { of: "ratio", atMost: 1.1 },
  });
  const requests = (name: string, mode: string, items: number): Contender => ({
    name,
    ...python(machine.python?.program, "requests", "python_requests.py", mode, url, items),
    ...pages(items),
  });
  const contest = (title: string, mine: Contender, ...peers: Contender[]): Contest => ({
    family: "io",
    title: `${mine.items} pages that take ${LATENCY_MS} ms, ${title}`,
    unit: TOTAL_MS,
    ours: mine,
    peers,
  });
  return [
    contest(
      "all at once",
      ours("concurrent", 1, "concurrent()"),
      aiohttp("aiohttp gather (100 connections, its default)", 100, 0),
      aiohttp("aiohttp gather, connections unlimited", 0, 0),
    ),
    contest(
      "five at once on one event loop",
      ours("limited", 5, "limited({ slots: 5 })"),
      { ...aiohttp("aiohttp gather, semaphore of 5", 100, 5), aim: undefined },
    ),
    contest(
      "five at once on five threads",
      ours("workers", 5, "workers({ lanes: 5 })"),
      requests("ThreadPoolExecutor(5), a requests.Session each", "threads", PAGES),
    ),
    contest(
      "one after another",
      ours("sequential", 1, "sequential()", PAGES_IN_SEQUENCE),
      requests("loop over one requests.Session", "one", PAGES_IN_SEQUENCE),
    ),
  ];
}

const SQUARES = perSecond("M squares");

function squares(first: number, count: number) {
  return {
    items: count,
    sum: sumOfSquares(first, count),
    work: squaresIn(first, count) / 1e6,
  };
}

/** First number, and how many. */
const SQUARED = [150_000_000, 8] as const;

function ourSquares(name: string, model: string, lanes: number, aim?: Aim): Contender {
  return {
    name,
    launch: own("ours.ts", "squares", model, lanes, ...SQUARED),
    ...squares(...SQUARED),
    ...(aim && { aim }),
  };
}

/** The same as a native program, by how far its compiler optimizes. */
function nativeSquares(flags: string, aim?: Aim): Contender {
  return {
    name: `C, gcc ${flags}`,
    launch: own("native.ts", flags, ...SQUARED),
    need: installed("gcc", "gcc"),
    ...squares(...SQUARED),
    ...(aim && { aim }),
  };
}

/** Python gets smaller numbers than we do: both are counted in squares a second, and it takes far longer. */
function articleSquares(program: string | undefined, module: string | undefined, mode: string) {
  return {
    ...python(program, module, "python_cpu.py", mode, 5_000_000, 4),
    ...squares(5_000_000, 4),
  };
}

function cpu(machine: Machine): Contest[] {
  const unit = SQUARES;
  const ours = ourSquares;
  const article = (name: string, mode: string, aim?: Aim): Contender => ({
    name: `${name}, Python ${machine.python?.version ?? "3"}`,
    ...articleSquares(machine.python?.program, undefined, mode),
    ...(aim && { aim }),
  });
  const sameSpeed: Aim = { of: "ratio", atLeast: 0.85, atMost: 1.15 };
  return [{
    family: "cpu",
    title: "exact sums of squares on one lane",
    unit,
    ours: ours("sequential()", "sequential", 1),
    peers: [
      article("sum(i * i for i in range(n))", "one", { of: "ratio", atLeast: 40 }),
      nativeSquares("-O3", { of: "ratio", atLeast: 0.8 }),
      nativeSquares("-O3 -march=native"),
    ],
  }, {
    family: "cpu",
    title: "exact sums of squares on two lanes",
    unit,
    ours: ours("processes({ lanes: 2 })", "processes", 2),
    peers: [
      ours("workers({ lanes: 2 })", "workers", 2),
      article("multiprocessing.Pool(2).map", "pool"),
    ],
  }, {
    family: "cpu",
    title: "the same loop in every kind of lane",
    unit,
    ours: ours("sequential(): the main isolate", "sequential", 1),
    peers: [
      ours("workers({ lanes: 1 }): a thread", "workers", 1, sameSpeed),
      ours("processes({ lanes: 1 }): a subprocess", "processes", 1, sameSpeed),
    ],
  }];
}

/** Python's own ways to compute on two cores: the name, the module that it is in, and what runs it. */
const PYTHON_POOLS = [
  ["ThreadPoolExecutor(2)", undefined, "threads"],
  ["ProcessPoolExecutor(2)", undefined, "processes"],
  ["InterpreterPoolExecutor(2)", "concurrent.futures.interpreter", "interpreters"],
  ["joblib Parallel(n_jobs=2)", "joblib", "joblib"],
] as const;

/** The contests of Python's pools, one for each Python that is here. */
function pythons(machine: Machine): Contest[] {
  const found = machine.pythons.length > 0 ? machine.pythons : [undefined];
  return found.map((one): Contest => {
    const program = one?.program;
    const loop = { name: "for loop", ...articleSquares(program, undefined, "one") };
    return {
      family: "python",
      title: `exact sums of squares in Python ${one === undefined ? "3" : pythonName(one)}`,
      unit: SQUARES,
      ours: ourSquares("workers({ lanes: 2 })", "workers", 2),
      loop,
      peers: [
        loop,
        ...PYTHON_POOLS.map(([name, module, mode]) => ({
          name,
          ...articleSquares(program, module, mode),
        })),
      ],
    };
  });
}

function starts(): Contest[] {
  const contest = (
    title: string,
    ours: [string, string, ...Words],
    bare: [string, string, ...Words],
    atMost?: number,
    items = 10,
  ): Contest =>
    againstBare(
      { family: "lanes", title, unit: EACH_MS },
      { items, sum: BigInt(items) },
      ours,
      bare,
      atMost === undefined ? undefined : { of: "ratio", atMost },
    );
  const lane = (model: string, until: "ready" | "run"): [string, string, ...Words] => [
    `${model}({ lanes: 1 }).${until}()`,
    ...["ours.ts", "start", model, 10, until] as const,
  ];
  return [
    contest(
      "from asking for a process lane until it can take tasks",
      lane("processes", "ready"),
      ["bare deno run of an empty file", "starts.ts", "empty", 10],
      1.5,
    ),
    contest(
      "from asking for a worker lane until it can take tasks",
      lane("workers", "ready"),
      ["bare Worker that says it is there", "bare_worker.ts", 10, "ready"],
      1.15,
    ),
    contest(
      "from asking for a worker lane until its first result",
      lane("workers", "run"),
      ["bare Worker with the task in it", "bare_worker.ts", 10, "result"],
    ),
    contest(
      "a program from its start until its first result",
      ["sequential().run() of a task", "starts.ts", "first-result", 10],
      ["bare call of the function", "starts.ts", "bare-result", 10],
    ),
    contest(
      "deno task io --help",
      ["deno task io --help", "starts.ts", "help", 5],
      ["bare deno task of an empty file", "starts.ts", "empty-task", 5],
      undefined,
      5,
    ),
    repeated(),
  ];
}

/** One command again and again: how far its times lie apart, by whoever takes them. */
function repeated(): Contest {
  const runs = 20;
  const work = { items: runs, sum: BigInt(runs) };
  return {
    family: "lanes",
    title: `${runs} runs of an empty program: how far the times' quartiles lie apart`,
    unit: SPREAD,
    ours: { name: "sequential()", launch: own("spread.ts", "ours", runs), ...work },
    peers: [{
      name: "hyperfine",
      launch: own("spread.ts", "hyperfine", runs),
      need: installed("hyperfine", "hyperfine"),
      ...work,
    }],
  };
}

/** The contests of jobs that are run to their end, against the same job without a record of it. */
function runs(): Contest[] {
  const contest = (
    title: string,
    which: string,
    items: number,
    aims: { ours?: Aim; bare?: Aim },
  ): Contest => {
    const contender = (name: string, mode: string, aim?: Aim): Contender => ({
      name,
      launch: own("journal.ts", mode, which, items),
      items,
      sum: sumOfNumbers(items),
      aim,
    });
    return {
      family: "run",
      title,
      unit: perSecond("items"),
      ours: contender("deno task run --out", "run", aims.ours),
      peers: [contender("mapSettled, and nothing is written", "bare", aims.bare)],
    };
  };
  return [
    contest("tasks of 1 ms with a journal", "busy", 8_000, {
      bare: { of: "ratio", atLeast: 0.97 },
    }),
    contest("no-op items with a journal", "same", 2_000_000, {
      ours: { of: "figure", atLeast: 2e5 },
    }),
  ];
}

/** How much more an item of 100 times as many may cost. */
const GROWTH: Aim = { of: "ratio", atMost: 1.2 };

/** One of us with so many items, against itself with a tenth and a hundredth of them. */
function grown(
  title: string,
  most: number,
  contender: (items: number) => Omit<Contender, "name">,
): Contest {
  const at = (items: number) => ({
    ...contender(items),
    name: `${items.toLocaleString("en")} items`,
  });
  return {
    family: "growth",
    title,
    unit: EACH_US,
    ours: at(most),
    peers: [{ ...at(most / 10), aim: GROWTH }, { ...at(most / 100), aim: GROWTH }],
  };
}

function growth({ page: { site, bytes } }: Machine): Contest[] {
  const slots = 64;
  const noop = (model: string, lanes: number, slots: number, chunk: number | "auto") => {
    return (items: number) => ours("", items, model, lanes, slots, chunk, 1_000);
  };
  const program = (file: string, ...args: Words) => (items: number) => ({
    launch: own(file, ...args, items),
    items,
    sum: sumOfNumbers(items),
  });
  const limit = (by: "map" | "run") => (items: number) => ({
    ...program("ours.ts", "limits", by)(items),
    launch: own("ours.ts", "limits", by, items, slots),
  });
  return [
    grown("no-op items on two worker lanes, in chunks", 4_000_000, noop("workers", 2, 1, "auto")),
    grown(
      "no-op items on two process lanes, in chunks",
      4_000_000,
      noop("processes", 2, 1, "auto"),
    ),
    grown("no-op round trips to two worker lanes", 100_000, noop("workers", 2, slots, 1)),
    grown(`items that wait for a turn, ${slots} at once`, 100_000, limit("map")),
    grown("calls of run() that wait for a turn, made at once", 100_000, limit("run")),
    grown("no-op items with a journal", 2_000_000, program("journal.ts", "run", "same")),
    grown(`pages without latency, ${slots} at once`, 50_000, (items) => ({
      launch: own("ours.ts", "downloads", "limited", "download", `${site}/0`, items, slots, 500),
      items,
      sum: BigInt(items * bytes),
    })),
  ];
}

/** What the site waits, in milliseconds; pages at once; pages. */
const LOADS = [
  [0, 64, 10_000],
  [0, 512, 10_000],
  [5, 64, 10_000],
  [5, 512, 10_000],
  [50, 64, 10_000],
  [50, 512, 10_000],
  [0, 512, 100_000],
  [5, 512, 100_000],
  [50, 512, 100_000],
] as const;

/** HTTP clients that download as much as goes. */
function load({ python: found, page: { site, bytes } }: Machine): Contest[] {
  return LOADS.map(([ms, slots, items]): Contest => {
    const url = `${site}/counted/${ms}`;
    const work = { items, sum: BigInt(items * bytes) };
    const before = 1_000;
    const client = [url, items, slots, before, "load"] as const;
    const aim: Aim = { of: "ratio", atLeast: 1 };
    return {
      family: "load",
      title: `${items.toLocaleString("en")} pages that take ${ms} ms, ${slots} at once`,
      unit: perSecond("pages"),
      ours: {
        name: `limited({ slots: ${slots} }), the download task`,
        launch: own("ours.ts", "load", url, items, slots, before),
        ...work,
      },
      peers: [{
        name: "Deno's fetch, a bare loop",
        launch: own("http_client.js", "fetch", ...client),
        ...work,
      }, {
        name: "Node's fetch, a bare loop",
        ...node("http_client.js", "fetch", ...client),
        ...work,
        aim,
      }, {
        name: `undici ${packages.UNDICI.split("@")[1]} on Deno, its request()`,
        ...withPackage(packages.UNDICI, "http_client.js", packages.UNDICI, ...client),
        ...work,
      }, {
        name: "aiohttp, a loop in each slot",
        ...python(found?.program, "aiohttp", "python_aiohttp.py", url, items, 0, slots, "load"),
        ...work,
        aim,
      }, {
        name: "wrk, what the site gives at most",
        launch: own("wrk.ts", url, slots, bytes),
        need: installed("wrk", "wrk"),
      }],
    };
  });
}

const CONTESTS: Readonly<Record<Family, (machine: Machine) => Contest[]>> = {
  pools: (machine) => [...pools(machine), ...bare(machine)],
  io,
  cpu,
  python: pythons,
  lanes: starts,
  run: runs,
  growth,
  load,
};

/** The contests of some families, in the order of `FAMILIES`. */
export function contestsOf(only: readonly Family[], machine: Machine): Contest[] {
  return FAMILIES.filter((family) => only.includes(family))
    .flatMap((family) => CONTESTS[family](machine));
}
