/**
 * All contests, by family: who is raced against whom, at what, and what the results have to add up to.
 */

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
  TOTAL_MS,
} from "./contest.ts";
import { npmPool, own, python, pythonName } from "./programs.ts";
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

/** Calls of `run` that are made at once. */
const CALLS = 8_000;

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
    ...npmPool(name, specifier, mode, items, depth),
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

function pythonPool(machine: Machine, aim?: Aim): Contender {
  const items = 2_000_000;
  return {
    name: `multiprocessing.Pool(2).map, Python ${machine.python?.version ?? "3"}`,
    ...python(machine.python?.program, undefined, "python_pool.py", items),
    items,
    sum: sumOfNumbers(items),
    ...(aim && { aim }),
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
  return [{
    family,
    title: "no-op items on two worker lanes, in chunks",
    unit: rate,
    ours: ours("workers({ lanes: 2 })", bulk, "workers", 2, 1, "auto", bulk / 4),
    peers: [
      pythonPool(machine, { of: "ratio", atLeast: 1 }),
      ...npmPools("all", 10_000, { of: "ratio", atLeast: 50 }),
    ],
  }, {
    family,
    title: "no-op round trips to a worker lane, one at a time",
    unit: EACH_US,
    ours: ours("workers({ lanes: 1 }), chunk 1", 3_000, "workers", 1, 1, 1, 300),
    peers: npmPools("one", 3_000, { of: "ratio", atMost: 1 }),
  }, {
    family,
    title: "calls of run() to a worker lane, one at a time",
    unit: EACH_US,
    ours: {
      ...ours("workers({ lanes: 1 }).run", 3_000),
      launch: own("ours.ts", "calls", "one", 3_000),
    },
    peers: npmPools("one", 3_000, { of: "ratio", atMost: 1 }),
  }, {
    family,
    title: `${CALLS} calls of run() at once in one event loop, ${DEPTH} in flight`,
    unit: EACH_US,
    ours: {
      ...ours(`limited({ slots: ${DEPTH} }).run`, CALLS),
      launch: own("ours.ts", "calls", "all", CALLS, DEPTH),
    },
    peers: [npmPeer("p-limit", packages.P_LIMIT, "all", CALLS, DEPTH, { of: "ratio", atMost: 2 })],
  }, {
    family,
    title: `no-op round trips to two worker lanes, ${DEPTH} in flight on each`,
    unit: rate,
    ours: ours(`workers({ slots: ${DEPTH} }), chunk 1`, 10_000, "workers", 2, DEPTH, 1, 1_000),
    peers: npmPools("all", 10_000, { of: "ratio", atLeast: 1 }),
  }, {
    family,
    title: "no-op items on two process lanes, in chunks",
    unit: rate,
    ours: {
      ...ours("processes({ lanes: 2 })", bulk, "processes", 2, 1, "auto", bulk / 4),
      aim: { of: "figure", atLeast: 5e6 },
    },
    peers: [pythonPool(machine)],
  }];
}

type Words = readonly (string | number)[];

/** One of us, and a bare program that does the same with nothing around it. */
function againstBare(
  contest: Pick<Contest, "title" | "unit"> & { readonly family?: Family },
  work: Pick<Contender, "items" | "sum" | "work">,
  [name, ...args]: [string, ...Words],
  [bareName, file, ...bareArgs]: [string, string, ...Words],
  aim?: Aim,
): Contest {
  return {
    family: "pools",
    ...contest,
    ours: { name, launch: own("ours.ts", ...args), ...work },
    peers: [{ name: bareName, launch: own(file, ...bareArgs), ...work, ...(aim && { aim }) }],
  };
}

function buffers(direction: "there" | "back", title: string): Contest {
  const items = 300;
  return againstBare(
    { title, unit: perSecond("MiB") },
    { items, sum: sumOfNumbers(items), work: items * BUFFER_BYTES / 2 ** 20 },
    ["processes({ lanes: 1 })", "buffers", direction, items],
    ["bare pipe, a length before each", "bare_pipe.ts", direction, items],
    { of: "ratio", atLeast: 0.9 },
  );
}

function oneMs(mode: "busy" | "timer", title: string): Contest {
  const items = 300;
  return againstBare(
    { title, unit: perSecond("items") },
    { items, sum: sumOfNumbers(items) },
    ["sequential()", "one-ms", mode, items],
    ["bare for await … of loop", "bare_loop.ts", mode, items],
    { of: "ratio", atLeast: 0.97 },
  );
}

function downloads(machine: Machine, kind: "download" | "fetch", title: string): Contest {
  const { fastUrl, bytes } = machine.page;
  const [items, before, slots] = [10_000, 2_000, 64];
  return againstBare(
    { title, unit: perSecond("pages") },
    { items, sum: BigInt(items * bytes) },
    [`limited({ slots: ${slots} })`, "downloads", "limited", kind, fastUrl, items, slots, before],
    ["bare fetch loop", "bare_fetch.ts", fastUrl, items, slots, before],
    { of: "ratio", atLeast: 0.95 },
  );
}

function twoSeconds(model: "workers" | "processes"): Contest {
  const [first, count] = [120_000_000, 20];
  const title = `two seconds of sums of squares on two ${model.replace(/e?s$/, "")} lanes`;
  return againstBare(
    { title, unit: SQUARES },
    squares(first, count),
    [`${model}({ lanes: 2 })`, "squares", model, 2, first, count],
    ["two processes that share nothing", "independent.ts", first, count, 2],
    { of: "ratio", atLeast: 0.9 },
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
  const { slowUrl, bytes } = machine.page;
  const pages = (items: number) => ({ items, sum: BigInt(items * bytes) });
  const ours = (
    model: string,
    size: number,
    name: string,
    items = PAGES,
    aim?: Aim,
  ): Contender => ({
    name,
    launch: own("ours.ts", "downloads", model, "download", slowUrl, items, size),
    ...pages(items),
    ...(aim && { aim }),
  });
  const aiohttp = (name: string, connections: number, inFlight: number): Contender => ({
    name,
    ...python(
      machine.python?.program,
      "aiohttp",
      "python_aiohttp.py",
      ...[slowUrl, PAGES, connections, inFlight],
    ),
    ...pages(PAGES),
    aim: { of: "ratio", atMost: 1 },
  });
  const requests = (name: string, mode: string, items: number): Contender => ({
    name,
    ...python(machine.python?.program, "requests", "python_requests.py", mode, slowUrl, items),
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
      ours("concurrent", 1, "concurrent()", PAGES, { of: "figure", atMost: 1.8 * LATENCY_MS }),
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

function ourSquares(name: string, model: string, lanes: number, aim?: Aim): Contender {
  return {
    name,
    launch: own("ours.ts", "squares", model, lanes, 150_000_000, 8),
    ...squares(150_000_000, 8),
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
    peers: [article("sum(i * i for i in range(n))", "one", { of: "ratio", atLeast: 40 })],
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

function lanes(): Contest[] {
  const items = 10;
  const contest = (
    lane: string,
    model: "processes" | "workers",
    until: "ready" | "result",
    bare: [name: string, file: string],
    aim?: Aim,
  ) =>
    againstBare(
      {
        family: "lanes",
        title: `from asking for a ${lane} lane until ${
          until === "ready" ? "it can take tasks" : "its first result"
        }`,
        unit: EACH_MS,
      },
      { items, sum: BigInt(items) },
      [
        `${model}({ lanes: 1 }).${until === "ready" ? "ready" : "run"}()`,
        "start",
        model,
        items,
        until,
      ],
      [...bare, items, until],
      aim,
    );
  const atMost = (atMost: number): Aim => ({ of: "ratio", atMost });
  const bareRun: [string, string] = ["bare deno run of an empty file", "bare_start.ts"];
  const bareWorker: [string, string] = ["bare Worker that says it is there", "bare_worker.ts"];
  const bareTask: [string, string] = ["bare Worker with the task in it", "bare_worker.ts"];
  return [
    contest("process", "processes", "ready", bareRun, atMost(1.5)),
    contest("worker", "workers", "ready", bareWorker, atMost(1.15)),
    contest("worker", "workers", "result", bareTask),
  ];
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

const CONTESTS: Readonly<Record<Family, (machine: Machine) => Contest[]>> = {
  pools: (machine) => [...pools(machine), ...bare(machine)],
  io,
  cpu,
  python: pythons,
  lanes,
  run: runs,
};

/** The contests of some families, in the order of `FAMILIES`. */
export function contestsOf(only: readonly Family[], machine: Machine): Contest[] {
  return FAMILIES.filter((family) => only.includes(family))
    .flatMap((family) => CONTESTS[family](machine));
}
