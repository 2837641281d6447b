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
const numbered = (items: number, aim?: Aim) => ({ items, sum: sumOfNumbers(items), aim });
const pagesOf = ({ page }: Machine, items: number, aim?: Aim) => (
  { items, sum: BigInt(items * page.bytes), aim }
);
const squares = (first: number, count: number, aim?: Aim) => (
  { items: count, sum: sumOfSquares(first, count), work: squaresIn(first, count) / 1e6, aim }
);

const atLeast = (atLeast: number): Aim => ({ of: "ratio", atLeast });
const atMost = (atMost: number): Aim => ({ of: "ratio", atMost });

/** A contender that is one of this project's programs. */
function program(file: string, name: string, work: Work, ...args: Words): Contender {
  return { name, launch: own(file, ...args), ...work };
}

const ours = (name: string, work: Work, ...args: Words) => program("ours.ts", name, work, ...args);
const bare = (name: string, work: Work, ...args: Words) => program("bare.ts", name, work, ...args);

/** A contender that is a package on npm, named with its version. */
function npm(specifier: string, file: string, work: Work, ...args: Words): Contender {
  const name = specifier.replace(/^npm:/, "").replace("@", " ");
  return { name, ...withPackage(specifier, file, ...args), ...work };
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
  return NPM_POOLS.map(([name, specifier, ofOne]) => {
    const depth = mode === "one" ? ofOne : DEPTH;
    return npm(specifier, "npm_pools.ts", numbered(items, aim), name, mode, items, depth);
  });
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
    ...numbered(items, aim),
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
  const what = by === "map" ? "items that wait for a turn" : "calls of run() that wait for a turn";
  // p-map takes a list only, not single calls.
  const peers = NPM_LIMITS.filter(([name]) => by === "map" || name !== "p-map");
  return contest(
    `${counted(items)} ${what}, ${slots} at once in one event loop`,
    EACH_US,
    ours(`limited({ slots: ${slots} }).${by}`, numbered(items), "limits", by, items, slots),
    ...peers.map(([name, specifier, most]) =>
      npm(specifier, "npm_limits.ts", numbered(items, atMost(most)), name, items, slots)
    ),
  );
}

/** The contest of tiny tasks that all read one table. */
function sharedTable({ python: found }: Machine): Plan {
  const [size, items] = [2_500_000, 20_000];
  const work = numbered(items, atMost(1));
  const pool = ["piscina", "shared", items, DEPTH, size] as const;
  const piscina = npm(packages.PISCINA, "npm_pools.ts", work, ...pool);
  return contest(
    "20 MB that 20,000 tiny tasks on two lanes share, from opening them to the last result",
    TOTAL_MS,
    ours("workers({ lanes: 2, shared })", numbered(items), "shared", size, items),
    { ...piscina, name: `${piscina.name}, workerData` },
    {
      name: "joblib Parallel(n_jobs=2), its memory map",
      ...python(found?.program, "joblib, numpy", "python_shared.py", size, items),
      ...work,
    },
  );
}

/** This library with no-op items; `args` are lanes, slots, chunk and warm-up items. */
function noops(name: string, work: Work, model: string, ...args: Words): Contender {
  return ours(name, work, "noop", model, work.items!, ...args);
}

/** The contests of pools that pass no-op items. */
function pools(machine: Machine): Plan[] {
  const [bulk, calls] = [4_000_000, 3_000];
  const inChunks = (model: "workers" | "processes") =>
    noops(`${model}({ lanes: 2 })`, numbered(bulk), model, 2, 1, "auto", bulk / 4);
  const trips = numbered(calls, { of: "figure", atMost: 10 });
  return [
    contest(
      "no-op items on two worker lanes, in chunks",
      ITEMS,
      inChunks("workers"),
      ...pythonProcesses(machine, atLeast(2)),
      ...npmPools("all", 10_000, atLeast(50)),
    ),
    contest(
      "no-op round trips to a worker lane, one at a time",
      EACH_US,
      noops("workers({ lanes: 1 }), chunk 1", trips, "workers", 1, 1, 1, 300),
      ...npmPools("one", calls, atMost(1)),
    ),
    contest(
      "calls of run() to a worker lane, one at a time",
      EACH_US,
      ours("workers({ lanes: 1 }).run", numbered(calls), "calls", calls),
      bare("bare shared memory, each side woken by the other", numbered(calls), "trips", calls),
      ...npmPools("one", calls, atMost(1)),
    ),
    contest(
      `no-op round trips to two worker lanes, ${DEPTH} in flight on each`,
      ITEMS,
      noops(`workers({ slots: ${DEPTH} }), chunk 1`, numbered(10_000), "workers", 2, DEPTH, 1, 1e3),
      ...npmPools("all", 10_000, atLeast(2)),
    ),
    contest(
      "no-op items on two process lanes, in chunks",
      ITEMS,
      inChunks("processes"),
      ...pythonProcesses(machine, atLeast(1.5)),
    ),
    limits("map"),
    limits("run"),
    sharedTable(machine),
  ];
}

function buffers(direction: "there" | "back", title: string): Plan {
  const args = ["buffers", direction, 300] as const;
  const work = { ...numbered(300), work: 300 * BUFFER_BYTES / 2 ** 20 };
  const peer = bare("bare pipe, a length before each", { ...work, aim: atLeast(0.9) }, ...args);
  return contest(title, perSecond("MiB"), ours("processes({ lanes: 1 })", work, ...args), peer);
}

function oneMs(mode: "busy" | "timer", title: string): Plan {
  const args = ["one-ms", mode, 300] as const;
  const peer = bare("bare for await … of loop", numbered(300, atLeast(0.97)), ...args);
  return contest(title, ITEMS, ours("sequential()", numbered(300), ...args), peer);
}

function downloads(machine: Machine, kind: "download" | "fetch", title: string): Plan {
  const [items, before, slots] = [10_000, 2_000, 64];
  const how = [`${machine.page.site}/0`, items, slots, before];
  const loop = (name: string, client: string, aim?: Aim) =>
    program("http_client.js", name, pagesOf(machine, items, aim), client, ...how);
  return contest(
    title,
    PAGES,
    ours("limited({ slots: 64 })", pagesOf(machine, items), "downloads", "limited", kind, ...how),
    loop("bare fetch loop", "fetch", atLeast(kind === "fetch" ? 0.95 : 0.92)),
    ...(kind === "fetch" ? [] : [loop("bare loop with the same checks", "checked")]),
  );
}

function twoSeconds(model: "workers" | "processes"): Plan {
  const numbers = [120_000_000, 80] as const;
  const aimed = squares(...numbers, atLeast(0.97));
  return contest(
    `two seconds of sums of squares on two ${model.replace(/e?s$/, "")} lanes`,
    SQUARES,
    ours(`${model}({ lanes: 2 })`, squares(...numbers), "squares", model, 2, ...numbers),
    bare("two processes that share nothing", aimed, "squares", ...numbers, 2),
  );
}

function againstBare(machine: Machine): Plan[] {
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
  const mine = (name: string, model: string, size: number, items = MANY) =>
    ours(name, pagesOf(machine, items), "downloads", model, "download", url, items, size);
  const by = (name: string, module: string, work: Work, ...args: Words) => ({
    name,
    ...python(machine.python?.program, module, `python_${module}.py`, ...args),
    ...work,
  });
  const aiohttp = (name: string, connections: number, inFlight: number, aim?: Aim) =>
    by(name, "aiohttp", pagesOf(machine, MANY, aim), url, MANY, connections, inFlight);
  const requests = (name: string, mode: string, items: number) =>
    by(name, "requests", pagesOf(machine, items), mode, url, items);
  const pages = (title: string, mine: Contender, ...peers: Contender[]) =>
    contest(`${mine.items} pages that take ${LATENCY_MS} ms, ${title}`, TOTAL_MS, mine, ...peers);
  return [
    pages(
      "all at once",
      mine("concurrent()", "concurrent", 1),
      aiohttp("aiohttp gather (100 connections, its default)", 100, 0, atMost(1.1)),
      aiohttp("aiohttp gather, connections unlimited", 0, 0, atMost(1.1)),
    ),
    pages(
      "five at once on one event loop",
      mine("limited({ slots: 5 })", "limited", 5),
      aiohttp("aiohttp gather, semaphore of 5", 100, 5),
    ),
    pages(
      "five at once on five threads",
      mine("workers({ lanes: 5 })", "workers", 5),
      requests("ThreadPoolExecutor(5), a requests.Session each", "threads", MANY),
    ),
    pages(
      "one after another",
      mine("sequential()", "sequential", 1, FEW),
      requests("loop over one requests.Session", "one", FEW),
    ),
  ];
}

/** The first number, and how many numbers. */
const SQUARED = [150_000_000, 8] as const;

function ourSquares(name: string, model: string, lanes: number, aim?: Aim): Contender {
  return ours(name, squares(...SQUARED, aim), "squares", model, lanes, ...SQUARED);
}

/** The same work in C, compiled with the given flags. */
function nativeSquares(flags: string, aim?: Aim): Contender {
  const work = squares(...SQUARED, aim);
  return {
    ...bare(`C, gcc ${flags}`, work, "native", flags, ...SQUARED),
    need: installed("gcc", "gcc"),
  };
}

/** Python gets smaller numbers because it is much slower; both sides are counted in squares per second. */
function articleSquares(program: string | undefined, module: string | undefined, mode: string) {
  const numbers = [5_000_000, 4] as const;
  return {
    ...python(program, module, "python_pool.py", "squares", mode, ...numbers),
    ...squares(...numbers),
  };
}

function cpu(machine: Machine): Plan[] {
  const article = (name: string, mode: string, aim?: Aim): Contender => ({
    ...articleSquares(machine.python?.program, undefined, mode),
    name: inPython(name, machine),
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
    const mine = ourSquares("workers({ lanes: 2 })", "workers", 2);
    return { ...contest(title, SQUARES, mine, loop, ...pools), loop };
  });
}

function starts(): Plan[] {
  const work = (items: number, aim?: Aim) => ({ items, sum: BigInt(items), aim });
  const lane = (model: string, until: "ready" | "run") =>
    ours(`${model}({ lanes: 1 }).${until}()`, work(10), "start", model, 10, until);
  const program = (name: string, which: string, times: number, aim?: Aim) =>
    bare(name, work(times, aim), "starts", which, times);
  const worker = (name: string, until: "ready" | "run", aim?: Aim) =>
    bare(name, work(10, aim), "start", 10, until);
  const runs = 20;
  const hyperfine = bare("hyperfine", work(runs), "repeated", runs);
  return [
    contest(
      "from asking for a process lane until it can take tasks",
      EACH_MS,
      lane("processes", "ready"),
      program("bare deno run of an empty file", "empty", 10, atMost(1.5)),
    ),
    contest(
      "from asking for a worker lane until it can take tasks",
      EACH_MS,
      lane("workers", "ready"),
      worker("bare Worker that says it is there", "ready", atMost(1.15)),
    ),
    contest(
      "from asking for a worker lane until its first result",
      EACH_MS,
      lane("workers", "run"),
      worker("bare Worker with the task in it", "run"),
    ),
    contest(
      "a program from its start until its first result",
      EACH_MS,
      program("sequential().run() of a task", "first-result", 10),
      program("bare call of the function", "bare-result", 10),
    ),
    contest(
      "deno task io --help",
      EACH_MS,
      program("deno task io --help", "help", 5),
      program("bare deno task of an empty file", "empty-task", 5),
    ),
    contest(
      `${runs} runs of an empty program: how far the times' quartiles lie apart`,
      SPREAD,
      ours("sequential()", work(runs), "repeated", runs),
      { ...hyperfine, need: installed("hyperfine", "hyperfine") },
    ),
  ];
}

/** The contests of jobs run to their end with a journal, against the same job without one. */
function runs(): Plan[] {
  const journaled = (title: string, which: string, items: number, run?: Aim, bare?: Aim) => {
    const of = (name: string, mode: string, aim?: Aim) =>
      program("journal.ts", name, numbered(items, aim), mode, which, items);
    const mine = of("deno task run --out", "run", run);
    return contest(title, ITEMS, mine, of("mapSettled, and nothing is written", "bare", bare));
  };
  return [
    journaled("tasks of 1 ms with a journal", "busy", 8_000, undefined, atLeast(0.97)),
    journaled("no-op items with a journal", "same", 2_000_000, { of: "figure", atLeast: 2e5 }),
  ];
}

/** The highest ratio aimed for of an item's cost to its cost with a tenth or a hundredth of the items. */
const GROWTH = atMost(1.2);

/** One of the library's contenders with `most` items, against itself with a tenth and a hundredth of them. */
function grown(title: string, most: number, contender: (work: Work, items: number) => Contender) {
  const [mine, ...fewer] = [most, most / 10, most / 100]
    .map((items) => ({ ...contender(numbered(items), items), name: `${counted(items)} items` }));
  const peers = fewer.map((one) => ({ ...one, aim: GROWTH }));
  return contest(title, EACH_US, mine!, ...peers);
}

function growth(machine: Machine): Plan[] {
  const [bulk, many] = [4_000_000, 100_000];
  const noop = (model: string, slots: number, chunk: number | "auto") => (work: Work) =>
    noops("", work, model, 2, slots, chunk, 1_000);
  const limit = (by: "map" | "run") => (work: Work, items: number) =>
    ours("", work, "limits", by, items, DEPTH);
  const journal = (work: Work, items: number) =>
    program("journal.ts", "", work, "run", "same", items);
  const download = (_: Work, items: number) => {
    const how = [`${machine.page.site}/0`, items, DEPTH, 500];
    return ours("", pagesOf(machine, items), "downloads", "limited", "download", ...how);
  };
  return [
    grown("no-op items on two worker lanes, in chunks", bulk, noop("workers", 1, "auto")),
    grown("no-op items on two process lanes, in chunks", bulk, noop("processes", 1, "auto")),
    grown("no-op round trips to two worker lanes", many, noop("workers", DEPTH, 1)),
    grown(`items that wait for a turn, ${DEPTH} at once`, many, limit("map")),
    grown("calls of run() that wait for a turn, made at once", many, limit("run")),
    grown("no-op items with a journal", 2_000_000, journal),
    grown(`pages without latency, ${DEPTH} at once`, 50_000, download),
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
  return LOADS.map(([ms, slots, items]) => {
    const url = `${site}/counted/${ms}`;
    const how = [url, items, slots, 1_000] as const;
    const [work, aimed] = [pagesOf(machine, items), pagesOf(machine, items, atLeast(1))];
    const file = "http_client.js";
    const undici = npm(packages.UNDICI, file, work, packages.UNDICI, ...how, "load");
    const most = bare("wrk, what the site gives at most", {}, "wrk", url, slots, bytes);
    const nodes = { name: "Node's fetch, a bare loop", ...node(file, "fetch", ...how, "load") };
    return contest(
      `${counted(items)} pages that take ${ms} ms, ${slots} at once`,
      PAGES,
      ours(`limited({ slots: ${slots} }), the download task`, work, "load", ...how),
      program(file, "Deno's fetch, a bare loop", work, "fetch", ...how, "load"),
      { ...nodes, ...aimed },
      { ...undici, name: `${undici.name} on Deno, its request()` },
      {
        name: "aiohttp, a loop in each slot",
        ...python(found?.program, "aiohttp", "python_aiohttp.py", url, items, 0, slots, "load"),
        ...aimed,
      },
      { ...most, need: installed("wrk", "wrk") },
    );
  });
}

const CONTESTS: Readonly<Record<Family, (machine: Machine) => Plan[]>> = {
  pools: (machine) => [...pools(machine), ...againstBare(machine)],
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
