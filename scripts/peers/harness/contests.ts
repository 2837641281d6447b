/** All contests, by family: the contenders, their work, and the sum that the results must have. */

import {
  type Aim,
  type Contender,
  type Contest,
  EACH_MS,
  EACH_US,
  FAMILIES,
  type Family,
  type Machine,
  perSecond,
  SPREAD,
  TOTAL_MS,
} from "./contest.ts";
import { installed, node, own, python, pythonName, withPackage, type Words } from "./programs.ts";
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

/** How many squares `sumOfSquares` adds up. */
export function squaresIn(first: number, count: number): number {
  return count * first + count * (count - 1) / 2;
}

/** A contender's work, and the aim for it. */
type Work = Pick<Contender, "items" | "sum" | "work" | "aim">;

/** The work of items that are the numbers from 1 on. */
const numbered = (items: number) => ({ items, sum: sumOfNumbers(items) });
const pagesOf = ({ page }: Machine, items: number) => ({ items, sum: BigInt(items * page.bytes) });
const squares = (first: number, count: number) => ({
  items: count,
  sum: sumOfSquares(first, count),
  work: squaresIn(first, count) / 1e6,
});

const atLeast = (atLeast: number): Aim => ({ of: "ratio", atLeast });
const atMost = (atMost: number): Aim => ({ of: "ratio", atMost });

/** A contender that is one of this project's programs. */
function program(name: string, work: Work, file: string, ...args: Words): Contender {
  return { name, launch: own(file, ...args), ...work };
}

/** A contest of some family. */
type Plan = Omit<Contest, "family">;

function contest(
  title: string,
  unit: Contest["unit"],
  ours: Contender,
  ...peers: Contender[]
): Plan {
  return { title, unit, ours, peers };
}

const counted = (items: number) => items.toLocaleString("en");
/** A package's name with its version. */
const versioned = (name: string, specifier: string) => `${name} ${specifier.split("@")[1]}`;
const inPython = (name: string, { python }: Machine) => `${name}, Python ${python?.version ?? "3"}`;

const ITEMS = perSecond("items");
const PAGES = perSecond("pages");
const SQUARES = perSecond("M squares");

/** Slots on each of two lanes, for this library and for the pools that have such an option. */
const DEPTH = 64;

/**
 * Name, package, and the depth that is fastest for one item at a time: piscina's threads wait in shared memory
 * only if they may hold no second task; tinypool hangs on Deno with a depth of 1.
 */
const NPM_POOLS = [
  ["piscina", packages.PISCINA, 1],
  ["tinypool", packages.TINYPOOL, DEPTH],
  ["poolifier", packages.POOLIFIER, DEPTH],
  ["workerpool", packages.WORKERPOOL, 1],
  ["jest-worker", packages.JEST_WORKER, 1],
] as const;

function npmPools(mode: "one" | "all", items: number, aim: Aim): Contender[] {
  return NPM_POOLS.map(([name, specifier, depth]) => ({
    name: versioned(name, specifier),
    ...withPackage(specifier, "npm_pools.ts", name, mode, items, mode === "one" ? depth : DEPTH),
    ...numbered(items),
    aim,
  }));
}

/** Python's process pools with no-op items: the name, the module needed, the program's mode, items. */
const PYTHON_PROCESSES = [
  ["multiprocessing.Pool(2).map", undefined, "pool", 2_000_000],
  ["ProcessPoolExecutor(2).map, chunks of 1,000", undefined, "processes", 1_000_000],
  ["joblib Parallel(n_jobs=2), its loky", "joblib", "joblib", 200_000],
] as const;

function pythonProcesses(machine: Machine, aim: Aim): Contender[] {
  return PYTHON_PROCESSES.map(([name, module, mode, items]) => ({
    name: inPython(name, machine),
    ...python(machine.python?.program, module, "python_pool.py", "noop", mode, 1, items),
    ...numbered(items),
    aim,
  }));
}

/** Packages that limit how many functions are in flight: name, package, and the highest ratio aimed for. */
const NPM_LIMITS = [
  // p-map has no deadlines, no retries, and takes no calls after its start.
  ["p-map", packages.P_MAP, 2],
  ["p-queue", packages.P_QUEUE, 1],
  ["p-limit", packages.P_LIMIT, 1],
] as const;

/** The contest of functions that wait, a limited number at once in one event loop. */
function limits(by: "map" | "run"): Plan {
  const [items, slots] = [100_000, 64];
  const work = numbered(items);
  const what = by === "map" ? "items that wait for a turn" : "calls of run() that wait for a turn";
  // p-map takes a list only, not single calls.
  const peers = NPM_LIMITS.filter(([name]) => by === "map" || name !== "p-map");
  return contest(
    `${counted(items)} ${what}, ${slots} at once in one event loop`,
    EACH_US,
    program(`limited({ slots: ${slots} }).${by}`, work, "ours.ts", "limits", by, items, slots),
    ...peers.map(([name, specifier, most]) => ({
      name: versioned(name, specifier),
      ...withPackage(specifier, "npm_limits.ts", name, items, slots),
      ...work,
      aim: atMost(most),
    })),
  );
}

/** The contest of tiny tasks that all read one table. */
function sharedTable(machine: Machine): Plan {
  const [size, items] = [2_500_000, 20_000];
  const work = numbered(items);
  return contest(
    "20 MB that 20,000 tiny tasks on two lanes share, from opening them to the last result",
    TOTAL_MS,
    program("workers({ lanes: 2, shared })", work, "ours.ts", "shared", size, items),
    {
      name: `${versioned("piscina", packages.PISCINA)}, workerData`,
      ...withPackage(packages.PISCINA, "npm_pools.ts", "piscina", "shared", items, DEPTH, size),
      ...work,
      aim: atMost(1),
    },
    {
      name: "joblib Parallel(n_jobs=2), its memory map",
      ...python(machine.python?.program, "joblib, numpy", "python_shared.py", size, items),
      ...work,
      aim: atMost(1),
    },
  );
}

/** This library with no-op items; `args` are lanes, slots, chunk and warm-up items. */
function noops(name: string, items: number, model: string, ...args: Words): Contender {
  return program(name, numbered(items), "ours.ts", "noop", model, items, ...args);
}

/** The contests of pools that pass no-op items. */
function pools(machine: Machine): Plan[] {
  const [bulk, calls] = [4_000_000, 3_000];
  const roundTrips = noops("workers({ lanes: 1 }), chunk 1", calls, "workers", 1, 1, 1, 300);
  return [
    contest(
      "no-op items on two worker lanes, in chunks",
      ITEMS,
      noops("workers({ lanes: 2 })", bulk, "workers", 2, 1, "auto", bulk / 4),
      ...pythonProcesses(machine, atLeast(2)),
      ...npmPools("all", 10_000, atLeast(50)),
    ),
    contest(
      "no-op round trips to a worker lane, one at a time",
      EACH_US,
      { ...roundTrips, aim: { of: "figure", atMost: 10 } },
      ...npmPools("one", calls, atMost(1)),
    ),
    contest(
      "calls of run() to a worker lane, one at a time",
      EACH_US,
      program("workers({ lanes: 1 }).run", numbered(calls), "ours.ts", "calls", calls),
      program(
        "bare shared memory, each side woken by the other",
        numbered(calls),
        "bare_round_trip.ts",
        calls,
      ),
      ...npmPools("one", calls, atMost(1)),
    ),
    contest(
      `no-op round trips to two worker lanes, ${DEPTH} in flight on each`,
      ITEMS,
      noops(`workers({ slots: ${DEPTH} }), chunk 1`, 10_000, "workers", 2, DEPTH, 1, 1_000),
      ...npmPools("all", 10_000, atLeast(2)),
    ),
    contest(
      "no-op items on two process lanes, in chunks",
      ITEMS,
      noops("processes({ lanes: 2 })", bulk, "processes", 2, 1, "auto", bulk / 4),
      ...pythonProcesses(machine, atLeast(1.5)),
    ),
    limits("map"),
    limits("run"),
    sharedTable(machine),
  ];
}

function buffers(direction: "there" | "back", title: string): Plan {
  const items = 300;
  const work = { ...numbered(items), work: items * BUFFER_BYTES / 2 ** 20 };
  const bare = { ...work, aim: atLeast(0.9) };
  return contest(
    title,
    perSecond("MiB"),
    program("processes({ lanes: 1 })", work, "ours.ts", "buffers", direction, items),
    program("bare pipe, a length before each", bare, "bare_pipe.ts", direction, items),
  );
}

function oneMs(mode: "busy" | "timer", title: string): Plan {
  const items = 300;
  const bare = { ...numbered(items), aim: atLeast(0.97) };
  return contest(
    title,
    ITEMS,
    program("sequential()", numbered(items), "ours.ts", "one-ms", mode, items),
    program("bare for await … of loop", bare, "bare_loop.ts", mode, items),
  );
}

function downloads(machine: Machine, kind: "download" | "fetch", title: string): Plan {
  const [items, before, slots] = [10_000, 2_000, 64];
  const work = pagesOf(machine, items);
  const how = [`${machine.page.site}/0`, items, slots, before];
  const aim = atLeast(kind === "fetch" ? 0.95 : 0.92);
  const bare = program("bare fetch loop", { ...work, aim }, "http_client.js", "fetch", ...how);
  const checks = "bare loop with the same checks";
  return contest(
    title,
    PAGES,
    program(`limited({ slots: ${slots} })`, work, "ours.ts", "downloads", "limited", kind, ...how),
    bare,
    ...(kind === "fetch" ? [] : [program(checks, work, "http_client.js", "checked", ...how)]),
  );
}

function twoSeconds(model: "workers" | "processes"): Plan {
  const [first, count] = [120_000_000, 80];
  const work = squares(first, count);
  const bare = { ...work, aim: atLeast(0.97) };
  return contest(
    `two seconds of sums of squares on two ${model.replace(/e?s$/, "")} lanes`,
    SQUARES,
    program(`${model}({ lanes: 2 })`, work, "ours.ts", "squares", model, 2, first, count),
    program("two processes that share nothing", bare, "independent.ts", first, count, 2),
  );
}

function bare(machine: Machine): Plan[] {
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

/** How long the site waits before it answers, in milliseconds; then how many pages are downloaded. */
const LATENCY_MS = 50;
const MANY = 160;
/** One after another, 160 pages would take nine seconds a round and tell no more than 20 do. */
const FEW = 20;

function io(machine: Machine): Plan[] {
  const url = `${machine.page.site}/${LATENCY_MS}`;
  const ours = (name: string, model: string, size: number, items = MANY) => {
    const how = [model, "download", url, items, size];
    return program(name, pagesOf(machine, items), "ours.ts", "downloads", ...how);
  };
  const by = (name: string, module: string, file: string, items: number, ...args: Words) => ({
    name,
    ...python(machine.python?.program, module, file, ...args),
    ...pagesOf(machine, items),
  });
  const aiohttp = (name: string, connections: number, inFlight: number, aim?: Aim) => ({
    ...by(name, "aiohttp", "python_aiohttp.py", MANY, url, MANY, connections, inFlight),
    aim,
  });
  const requests = (name: string, mode: string, items: number) =>
    by(name, "requests", "python_requests.py", items, mode, url, items);
  const pages = (title: string, mine: Contender, ...peers: Contender[]) => {
    const what = `${mine.items} pages that take ${LATENCY_MS} ms, ${title}`;
    return contest(what, TOTAL_MS, mine, ...peers);
  };
  return [
    pages(
      "all at once",
      ours("concurrent()", "concurrent", 1),
      aiohttp("aiohttp gather (100 connections, its default)", 100, 0, atMost(1.1)),
      aiohttp("aiohttp gather, connections unlimited", 0, 0, atMost(1.1)),
    ),
    pages(
      "five at once on one event loop",
      ours("limited({ slots: 5 })", "limited", 5),
      aiohttp("aiohttp gather, semaphore of 5", 100, 5),
    ),
    pages(
      "five at once on five threads",
      ours("workers({ lanes: 5 })", "workers", 5),
      requests("ThreadPoolExecutor(5), a requests.Session each", "threads", MANY),
    ),
    pages(
      "one after another",
      ours("sequential()", "sequential", 1, FEW),
      requests("loop over one requests.Session", "one", FEW),
    ),
  ];
}

/** The first number, and how many numbers. */
const SQUARED = [150_000_000, 8] as const;

function ourSquares(name: string, model: string, lanes: number, aim?: Aim): Contender {
  const work = { ...squares(...SQUARED), aim };
  return program(name, work, "ours.ts", "squares", model, lanes, ...SQUARED);
}

/** The same work in C, compiled with the given flags. */
function nativeSquares(flags: string, aim?: Aim): Contender {
  const work = { ...squares(...SQUARED), aim };
  const need = installed("gcc", "gcc");
  return { ...program(`C, gcc ${flags}`, work, "native.ts", flags, ...SQUARED), need };
}

/** Python gets smaller numbers because it is much slower; both sides are counted in squares per second. */
function articleSquares(program: string | undefined, module: string | undefined, mode: string) {
  return {
    ...python(program, module, "python_pool.py", "squares", mode, 5_000_000, 4),
    ...squares(5_000_000, 4),
  };
}

function cpu(machine: Machine): Plan[] {
  const article = (name: string, mode: string, aim?: Aim): Contender => ({
    name: inPython(name, machine),
    ...articleSquares(machine.python?.program, undefined, mode),
    aim,
  });
  const sameSpeed: Aim = { of: "ratio", atLeast: 0.85, atMost: 1.15 };
  return [
    contest(
      "exact sums of squares on one lane",
      SQUARES,
      ourSquares("sequential()", "sequential", 1),
      article("sum(i * i for i in range(n))", "one", atLeast(40)),
      nativeSquares("-O3", atLeast(0.8)),
      nativeSquares("-O3 -march=native"),
    ),
    contest(
      "exact sums of squares on two lanes",
      SQUARES,
      ourSquares("processes({ lanes: 2 })", "processes", 2),
      ourSquares("workers({ lanes: 2 })", "workers", 2),
      article("multiprocessing.Pool(2).map", "pool"),
    ),
    contest(
      "the same loop in every kind of lane",
      SQUARES,
      ourSquares("sequential(): the main isolate", "sequential", 1),
      ourSquares("workers({ lanes: 1 }): a thread", "workers", 1, sameSpeed),
      ourSquares("processes({ lanes: 1 }): a subprocess", "processes", 1, sameSpeed),
    ),
  ];
}

/** Python's own pools for computing on two cores: the name, the module needed, and the program's mode. */
const PYTHON_POOLS = [
  ["ThreadPoolExecutor(2)", undefined, "threads"],
  ["ProcessPoolExecutor(2)", undefined, "processes"],
  ["InterpreterPoolExecutor(2)", "concurrent.futures.interpreter", "interpreters"],
  ["joblib Parallel(n_jobs=2)", "joblib", "joblib"],
] as const;

/** The contests of Python's pools, one for each Python found. */
function pythons(machine: Machine): Plan[] {
  const found = machine.pythons.length > 0 ? machine.pythons : [undefined];
  return found.map((one): Plan => {
    const loop = { name: "for loop", ...articleSquares(one?.program, undefined, "one") };
    const pools = PYTHON_POOLS.map(([name, module, mode]) => (
      { name, ...articleSquares(one?.program, module, mode) }
    ));
    const title = `exact sums of squares in Python ${one === undefined ? "3" : pythonName(one)}`;
    const ours = ourSquares("workers({ lanes: 2 })", "workers", 2);
    return { ...contest(title, SQUARES, ours, loop, ...pools), loop };
  });
}

function starts(): Plan[] {
  const started = (
    title: string,
    [name, ...ours]: readonly [string, string, ...Words],
    [bareName, ...bare]: readonly [string, string, ...Words],
    aim?: Aim,
    items = 10,
  ) => {
    const work = { items, sum: BigInt(items) };
    const peer = program(bareName, { ...work, aim }, ...bare);
    return contest(title, EACH_MS, program(name, work, ...ours), peer);
  };
  const lane = (model: string, until: "ready" | "run") =>
    [`${model}({ lanes: 1 }).${until}()`, "ours.ts", "start", model, 10, until] as const;
  return [
    started(
      "from asking for a process lane until it can take tasks",
      lane("processes", "ready"),
      ["bare deno run of an empty file", "starts.ts", "empty", 10],
      atMost(1.5),
    ),
    started(
      "from asking for a worker lane until it can take tasks",
      lane("workers", "ready"),
      ["bare Worker that says it is there", "bare_worker.ts", 10, "ready"],
      atMost(1.15),
    ),
    started(
      "from asking for a worker lane until its first result",
      lane("workers", "run"),
      ["bare Worker with the task in it", "bare_worker.ts", 10, "result"],
    ),
    started(
      "a program from its start until its first result",
      ["sequential().run() of a task", "starts.ts", "first-result", 10],
      ["bare call of the function", "starts.ts", "bare-result", 10],
    ),
    started(
      "deno task io --help",
      ["deno task io --help", "starts.ts", "help", 5],
      ["bare deno task of an empty file", "starts.ts", "empty-task", 5],
      undefined,
      5,
    ),
    repeated(),
  ];
}

/** The contest of one command run again and again: the spread of its times by each timer. */
function repeated(): Plan {
  const runs = 20;
  const work = { items: runs, sum: BigInt(runs) };
  const hyperfine = program("hyperfine", work, "spread.ts", "hyperfine", runs);
  return contest(
    `${runs} runs of an empty program: how far the times' quartiles lie apart`,
    SPREAD,
    program("sequential()", work, "spread.ts", "ours", runs),
    { ...hyperfine, need: installed("hyperfine", "hyperfine") },
  );
}

/** The contests of jobs run to their end with a journal, against the same job without one. */
function runs(): Plan[] {
  const journaled = (title: string, which: string, items: number, run?: Aim, bare?: Aim) => {
    const of = (name: string, mode: string, aim?: Aim) =>
      program(name, { ...numbered(items), aim }, "journal.ts", mode, which, items);
    const ours = of("deno task run --out", "run", run);
    const peer = of("mapSettled, and nothing is written", "bare", bare);
    return contest(title, ITEMS, ours, peer);
  };
  return [
    journaled("tasks of 1 ms with a journal", "busy", 8_000, undefined, atLeast(0.97)),
    journaled("no-op items with a journal", "same", 2_000_000, { of: "figure", atLeast: 2e5 }),
  ];
}

/** The highest ratio aimed for of an item's cost to its cost with a tenth or a hundredth of the items. */
const GROWTH = atMost(1.2);

/** One of the library's contenders with `most` items, against itself with a tenth and a hundredth of them. */
function grown(title: string, most: number, contender: (items: number) => Contender): Plan {
  const [ours, ...fewer] = [most, most / 10, most / 100]
    .map((items) => ({ ...contender(items), name: `${counted(items)} items` }));
  const peers = fewer.map((one) => ({ ...one, aim: GROWTH }));
  return contest(title, EACH_US, ours!, ...peers);
}

function growth(machine: Machine): Plan[] {
  const slots = 64;
  const [bulk, many] = [4_000_000, 100_000];
  const noop = (model: string, slots: number, chunk: number | "auto") => (items: number) =>
    noops("", items, model, 2, slots, chunk, 1_000);
  const limit = (by: "map" | "run") => (items: number) =>
    program("", numbered(items), "ours.ts", "limits", by, items, slots);
  const journal = (items: number) =>
    program("", numbered(items), "journal.ts", "run", "same", items);
  const download = (items: number) => {
    const how = [`${machine.page.site}/0`, items, slots, 500];
    const work = pagesOf(machine, items);
    return program("", work, "ours.ts", "downloads", "limited", "download", ...how);
  };
  return [
    grown("no-op items on two worker lanes, in chunks", bulk, noop("workers", 1, "auto")),
    grown("no-op items on two process lanes, in chunks", bulk, noop("processes", 1, "auto")),
    grown("no-op round trips to two worker lanes", many, noop("workers", slots, 1)),
    grown(`items that wait for a turn, ${slots} at once`, many, limit("map")),
    grown("calls of run() that wait for a turn, made at once", many, limit("run")),
    grown("no-op items with a journal", 2_000_000, journal),
    grown(`pages without latency, ${slots} at once`, 50_000, download),
  ];
}

/** The site's latency in milliseconds; pages at once; pages. */
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

/** The contests of HTTP clients that download as fast as they can. */
function load(machine: Machine): Plan[] {
  const { python: found, page: { site, bytes } } = machine;
  return LOADS.map(([ms, slots, items]): Plan => {
    const url = `${site}/counted/${ms}`;
    const work = pagesOf(machine, items);
    const before = 1_000;
    const client = [url, items, slots, before, "load"] as const;
    const most = program("wrk, what the site gives at most", {}, "wrk.ts", url, slots, bytes);
    return contest(
      `${counted(items)} pages that take ${ms} ms, ${slots} at once`,
      PAGES,
      program(
        `limited({ slots: ${slots} }), the download task`,
        work,
        ...["ours.ts", "load", url, items, slots, before] as const,
      ),
      program("Deno's fetch, a bare loop", work, "http_client.js", "fetch", ...client),
      {
        name: "Node's fetch, a bare loop",
        ...node("http_client.js", "fetch", ...client),
        ...work,
        aim: atLeast(1),
      },
      {
        name: `${versioned("undici", packages.UNDICI)} on Deno, its request()`,
        ...withPackage(packages.UNDICI, "http_client.js", packages.UNDICI, ...client),
        ...work,
      },
      {
        name: "aiohttp, a loop in each slot",
        ...python(found?.program, "aiohttp", "python_aiohttp.py", url, items, 0, slots, "load"),
        ...work,
        aim: atLeast(1),
      },
      { ...most, need: installed("wrk", "wrk") },
    );
  });
}

const CONTESTS: Readonly<Record<Family, (machine: Machine) => Plan[]>> = {
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
    .flatMap((family) => CONTESTS[family](machine).map((plan) => ({ ...plan, family })));
}
