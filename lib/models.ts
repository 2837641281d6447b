/**
 * The table of concurrency models, as data: every model is one row, and whatever differs by model is read from
 * here.
 */

/** The names of the concurrency models, simplest first. */
export const MODELS = [
  "sequential",
  "concurrent",
  "limited",
  "workers",
  "processes",
  "cluster",
  "gpu",
  "auto",
] as const;

/** The name of a concurrency model. */
export type Model = typeof MODELS[number];

/** The kind of lane that a model's tasks run on. */
export type LaneKind =
  | "event loop"
  | "thread"
  | "process"
  | "machine"
  | "graphics card"
  | "where it gains";

/** The kind of a job: its tasks wait (I/O-bound) or compute (CPU-bound). */
export type JobKind = "io" | "cpu";

/** A number of lanes; `"cores"` for as many as the machine can run at once. */
type LaneCount = number | "cores";

interface ModelRow {
  readonly laneKind: LaneKind;
  readonly kinds: readonly JobKind[];
  /** Whether the model is compared if none are chosen; false if it needs something that few machines have. */
  readonly isUsual: boolean;
  /** Which sizes can be chosen; the others are fixed. */
  readonly sizes: readonly ("lanes" | "slots")[];
  /** Number of lanes unless chosen, for jobs that wait and for jobs that compute. */
  readonly lanes: Readonly<Record<JobKind, LaneCount>>;
  /** Slots on each lane unless chosen; Infinity for all items at once. */
  readonly slots: number;
  /** The most slots that a lane can have. */
  readonly mostSlots: number;
  /** How many milliseconds a task that must stop, or disposing resources, may take unless given. */
  readonly graceMs: number;
  /** Whether items are sent to the lane together, so that only many at once fill it. */
  readonly together: boolean;
  readonly options: readonly string[];
  /** Whether opening a lane starts Deno, which needs `--allow-run`. */
  readonly startsDeno: boolean;
  /** Whether opening a lane loads an entry file, which needs `--allow-read`. */
  readonly readsEntry: boolean;
  /** Usual time from requesting the lanes until all can take tasks, in milliseconds. */
  readonly usualStartMs: number;
  readonly colour: { readonly light: string; readonly dark: string };
  /** The name of the model's lane in a table. */
  readonly lane: string;
  /** The model's description in a line of help. */
  readonly summary: Readonly<Record<JobKind, string>>;
  /** The model's equivalent in Python. */
  readonly python: Readonly<Record<JobKind, string>>;
}

const USUAL = { kinds: ["io", "cpu"], isUsual: true, together: false, graceMs: 250 } as const;
/** Options that all models have. */
const COMMON_OPTIONS = ["graceMs", "maxQueued", "shared", "tasksPerLane", "idleMs"] as const;

/** How many lanes of other machines are used at most, unless given. */
const MOST_JOINED = 64;

const EVENT_LOOP = {
  ...USUAL,
  laneKind: "event loop",
  lane: "this event loop",
  lanes: { io: 1, cpu: 1 },
  mostSlots: Infinity,
  options: COMMON_OPTIONS,
  startsDeno: false,
  readsEntry: false,
  usualStartMs: 1,
} as const;

/** Models with a number of lanes that can be chosen. */
const SIZED = { ...USUAL, sizes: ["lanes", "slots"], slots: 1 } as const;

export const MODEL_TABLE: Readonly<Record<Model, ModelRow>> = {
  sequential: {
    ...EVENT_LOOP,
    sizes: [],
    slots: 1,
    colour: { light: "#5b616a", dark: "#b4bac3" },
    summary: { io: "one after the other", cpu: "one after the other" },
    python: { io: "a for loop over one requests.Session", cpu: "a for loop" },
  },
  concurrent: {
    ...EVENT_LOOP,
    sizes: [],
    slots: Infinity,
    colour: { light: "#0667b3", dark: "#5fb2f2" },
    summary: { io: "all at once, one lane", cpu: "all at once, one lane" },
    python: { io: "asyncio.gather(*tasks) with aiohttp", cpu: "asyncio.gather(*tasks)" },
  },
  limited: {
    ...EVENT_LOOP,
    sizes: ["slots"],
    slots: 5,
    colour: { light: "#0b7a68", dark: "#45c9b0" },
    summary: { io: "5 at once, one lane", cpu: "5 at once, one lane" },
    python: { io: "gather behind a semaphore of 5", cpu: "gather behind a semaphore of 5" },
  },
  workers: {
    ...SIZED,
    laneKind: "thread",
    lane: "Web Worker threads",
    lanes: { io: 5, cpu: "cores" },
    // Each slot of a thread takes a cell of the memory that the thread shares with its parent.
    mostSlots: 65_536,
    options: [...COMMON_OPTIONS, "permissions", "unstableWorkerOptions"],
    startsDeno: false,
    readsEntry: true,
    usualStartMs: 25,
    colour: { light: "#bb4d00", dark: "#f79b52" },
    summary: { io: "5 threads, one slot each", cpu: "a thread for each core" },
    python: {
      io: "ThreadPoolExecutor(5) with a session a thread",
      cpu: "InterpreterPoolExecutor (3.14)",
    },
  },
  processes: {
    ...SIZED,
    laneKind: "process",
    lane: "`Deno.Command` subprocesses",
    lanes: { io: "cores", cpu: "cores" },
    mostSlots: Infinity,
    options: [...COMMON_OPTIONS, "permissions", "v8Flags", "config", "stderr"],
    startsDeno: true,
    readsEntry: false,
    usualStartMs: 60,
    colour: { light: "#9c3a80", dark: "#e490c4" },
    summary: { io: "a process for each core", cpu: "a process for each core" },
    python: { io: "multiprocessing.Pool().map", cpu: "multiprocessing.Pool().map" },
  },
  cluster: {
    ...SIZED,
    isUsual: false,
    laneKind: "machine",
    lane: "other machines, over NATS JetStream",
    lanes: { io: MOST_JOINED, cpu: MOST_JOINED },
    mostSlots: 65_536,
    graceMs: 1000,
    options: [...COMMON_OPTIONS, "servers", "user", "password", "creds", "tlsCa", "silenceMs"],
    startsDeno: false,
    readsEntry: true,
    usualStartMs: 150,
    colour: { light: "#4a3fb5", dark: "#a79df5" },
    summary: { io: "joined lanes, if chosen", cpu: "joined lanes, if chosen" },
    python: { io: "Celery, Dask or Ray", cpu: "Celery, Dask or Ray" },
  },
  gpu: {
    ...USUAL,
    kinds: ["cpu"],
    isUsual: false,
    laneKind: "graphics card",
    lane: "a GPU, through WebGPU",
    sizes: ["slots"],
    lanes: { io: 1, cpu: 1 },
    slots: 8192,
    mostSlots: 65_536,
    together: true,
    options: COMMON_OPTIONS.filter((name) => name !== "shared"),
    startsDeno: false,
    readsEntry: true,
    usualStartMs: 160,
    colour: { light: "#6a6400", dark: "#d3c83c" },
    summary: { io: "computes only", cpu: "side by side, if chosen" },
    python: { io: "a CUDA kernel, by CuPy or Numba", cpu: "a CUDA kernel, by CuPy or Numba" },
  },
  auto: {
    ...USUAL,
    isUsual: false,
    laneKind: "where it gains",
    lane: "this event loop, then threads",
    sizes: [],
    lanes: { io: 1, cpu: 1 },
    slots: 1,
    mostSlots: 65_536,
    options: [
      ...COMMON_OPTIONS,
      "maxSlots",
      "maxLanes",
      "memoryBytes",
      "start",
      "isolate",
      "permissions",
      "stay",
      "keepClasses",
    ],
    startsDeno: false,
    readsEntry: true,
    usualStartMs: 1,
    colour: { light: "#5b45b0", dark: "#a99bf2" },
    summary: { io: "grows while it gains", cpu: "grows while it gains" },
    python: { io: "–", cpu: "–" },
  },
};

/** The most lanes of any model: more than a machine can use, since each takes megabytes. */
export const MOST_LANES = 4096;

/** The model that all others are measured against. */
export const BASELINE: Model = "sequential";

/** The models that are compared if none are chosen. */
export const USUAL_MODELS: readonly Model[] = MODELS.filter((model) => MODEL_TABLE[model].isUsual);

/** Whether a name, for example from a file, is a model's. */
export function isModel(name: string): name is Model {
  return (MODELS as readonly string[]).includes(name);
}

/** Whether a model's tasks run on lanes of their own; true for an unknown model. */
export function isRemote(model: string): boolean {
  return !isModel(model) || MODEL_TABLE[model].laneKind !== "event loop";
}

/** Whether a model's size is fixed before anything runs; true for an unknown model. */
export function isFixed(model: string): boolean {
  return !isModel(model) || MODEL_TABLE[model].laneKind !== "where it gains";
}

/** Whether tasks ran in one event loop; if a model finds its size while it runs, one lane means this. */
export function ranInOneLoop(
  { model, lanes }: { readonly model: string; readonly lanes: number },
): boolean {
  return isFixed(model) ? !isRemote(model) : lanes === 1;
}

/** Whether a model runs a task's kernel in place of its function. */
export function needsKernel(model: Model): boolean {
  return MODEL_TABLE[model].laneKind === "graphics card";
}

/** Whether a model's machines meet at a server; false for an unknown model. */
export function needsServer(model: string): boolean {
  return isModel(model) && MODEL_TABLE[model].laneKind === "machine";
}

/** Whether a model's lanes are other processes, here or on other machines, which no memory is shared with. */
export function leavesProcess(model: Model): boolean {
  return ["process", "machine"].includes(MODEL_TABLE[model].laneKind);
}

/** Whether a model's lanes or slots can be chosen. */
export function takes(model: Model, size: "lanes" | "slots"): boolean {
  return MODEL_TABLE[model].sizes.includes(size);
}

/** A model's number of lanes for this kind of job, unless given. */
export function defaultLanes(model: Model, kind: JobKind): number {
  const lanes = MODEL_TABLE[model].lanes[kind];
  return lanes === "cores" ? navigator.hardwareConcurrency : lanes;
}

/** The models for this kind of job as lines of help, each with its description and its Python equivalent. */
export function modelLines(kind: JobKind): string {
  return MODELS.filter((model) => MODEL_TABLE[model].kinds.includes(kind)).map((model, at) => {
    const { summary, python } = MODEL_TABLE[model];
    if (python[kind] === "–") return `  ${model.padEnd(13)}${summary[kind]}`;
    const before = at === 0 ? "Python: " : "";
    return `  ${model.padEnd(13)}${summary[kind].padEnd(27)}${before}${python[kind]}`;
  }).join("\n");
}
