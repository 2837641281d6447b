/** The type of a guarantee, and the models that it is checked on. */

import { type Task, task, type TaskName } from "../../lib/lanes/task.ts";
import { type LaneKind, MODEL_TABLE, needsKernel } from "../../lib/models.ts";
import {
  auto,
  cluster,
  concurrent,
  type Executor,
  gpu,
  limited,
  type Model,
  processes,
  sequential,
  workers,
} from "../../lib/mod.ts";
import type * as faultTasks from "./fault_tasks.ts";
import type * as tasks from "./tasks.ts";

/** Options for opening a model under test; each model takes those it knows. */
export interface SubjectOptions {
  readonly lanes?: number;
  readonly slots?: number;
  readonly graceMs?: number;
  readonly shared?: unknown;
  readonly maxQueued?: number;
  readonly tasksPerLane?: number;
  readonly idleMs?: number;
}

export interface Subject {
  readonly model: Model;
  /** The most tasks in flight, with the sizes that `open` uses by default. */
  readonly width: number;
  readonly open: (options?: SubjectOptions) => Executor;
}

/** One guarantee of the library, checked on every model that can give it. */
export interface Guarantee {
  readonly name: string;
  /** Why a model, or a kind of lane, can't give the guarantee. */
  readonly notFor?: Partial<Record<Model | LaneKind, string>>;
  /** Whether its tasks have kernels, so that it is checked on `gpu` too. */
  readonly onGpu?: true;
  readonly check: (subject: Subject) => Promise<void>;
}

/** Why a guarantee isn't checked on a model; undefined if it is. */
export function whyNot({ notFor, onGpu }: Guarantee, model: Model): string | undefined {
  const reason = notFor?.[model] ?? notFor?.[MODEL_TABLE[model].laneKind];
  return reason ?? (needsKernel(model) && !onGpu ? WITHOUT_KERNEL : undefined);
}

const WITHOUT_KERNEL = "its tasks wait or look at their context, and no kernel does";

/** A task exported by tests/conformance/tasks.ts. */
export function taskNamed<Name extends TaskName<typeof tasks>>(name: Name) {
  return task<typeof tasks, Name>(new URL("./tasks.ts", import.meta.url), name);
}

/** A task exported by tests/conformance/fault_tasks.ts. */
export function faultTask<Name extends TaskName<typeof faultTasks>>(name: Name) {
  return task<typeof faultTasks, Name>(new URL("./fault_tasks.ts", import.meta.url), name);
}

/** A task whose module is the given code. */
export function taskOf(code: string, name = "default"): Task<unknown, unknown> {
  return { module: `data:text/javascript,${encodeURIComponent(code)}`, export: name };
}

/** The numbers from 0 to below `count`. */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

/** The address of the cluster's server, once it is started. */
export const clusterServer = { url: "" };

/** Every model, opened with few lanes and slots. */
export const SUBJECTS: readonly Subject[] = [
  { model: "sequential", width: 1, open: (options) => sequential(common(options)) },
  { model: "concurrent", width: Infinity, open: (options) => concurrent(common(options)) },
  {
    model: "limited",
    width: 3,
    open: ({ slots = 3, ...rest } = {}) => limited({ slots, ...common(rest) }),
  },
  {
    model: "workers",
    width: 4,
    open: ({ lanes = 2, slots = 2, ...rest } = {}) => workers({ lanes, slots, ...common(rest) }),
  },
  {
    model: "processes",
    width: 4,
    open: ({ lanes = 2, slots = 2, ...rest } = {}) =>
      processes({
        lanes,
        slots,
        ...common(rest),
        permissions: { net: ["127.0.0.1"] },
        stderr: "keep",
      }),
  },
  {
    model: "cluster",
    width: 4,
    open: ({ lanes = 2, slots = 2, ...rest } = {}) =>
      cluster({ servers: clusterServer.url, lanes, slots, ...common(rest) }),
  },
  {
    model: "gpu",
    width: 4,
    open: ({ graceMs, maxQueued } = {}) => gpu(common({ graceMs, maxQueued })),
  },
  {
    model: "auto",
    width: 3,
    // `auto` stays on the event loop here, because whether it leaves depends on how busy the machine is. Its
    // behaviour on lanes is shown by workers, processes and tests/adaptive/auto_test.ts.
    open: ({ slots = 3, ...rest } = {}) =>
      auto({ start: { slots }, maxSlots: slots, stay: "loop", ...common(rest) }),
  },
];

function common(
  // By default the grace is so long that on a busy machine, too, a task that can end by itself does.
  { graceMs = 20_000, shared, maxQueued, tasksPerLane, idleMs }: {
    [Key in keyof SubjectOptions]: SubjectOptions[Key] | undefined;
  } = {},
): Omit<SubjectOptions, "lanes" | "slots"> {
  return {
    graceMs,
    ...(shared !== undefined && { shared }),
    ...(maxQueued !== undefined && { maxQueued }),
    ...(tasksPerLane !== undefined && { tasksPerLane }),
    ...(idleMs !== undefined && { idleMs }),
  };
}

/** Whether a model's lanes are processes, which share no memory with this program. */
export function hasOwnProcess(model: Model): boolean {
  return ["process", "machine"].includes(MODEL_TABLE[model].laneKind);
}

/** Why models on this event loop can't give what needs a separate lane. */
export const OWN_LANE_ONLY: Guarantee["notFor"] = {
  "event loop": "the lane is the program",
  auto: "the first lane is the program",
};

/** Why only threads can receive a buffer without copying it. */
export const THREADS_ONLY: Guarantee["notFor"] = {
  "event loop": "nothing is sent",
  process: "memory can't move between processes: it is copied",
  auto: "buffers are always copied",
  machine: "memory can't move between processes: it is copied",
};

/** Why only a subprocess has its own streams and permissions. */
export const PROCESSES_ONLY: Guarantee["notFor"] = {
  "event loop": "the lane is the program",
  thread: "a thread has the program's streams, and its permissions unless a flag is given",
  auto: "the first lane is the program",
};

/** Why values aren't checked in models that don't send them. */
export const SENT_ONLY: Guarantee["notFor"] = {
  "event loop": "nothing is sent",
  auto: "what can't be sent as it is stays here",
};
