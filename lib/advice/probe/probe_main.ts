/** The entry of a probe's own process. It imports no npm package. */

import { connectToParent, refuseStdin } from "../../children/parent.ts";
import type { Items } from "../../dispatch/map_options.ts";
import { importModule, LaneTasks, notCallable } from "../../lanes/lane_tasks.ts";
import { internals } from "../../lanes/platform.ts";
import { clock } from "../../lanes/timers.ts";
import { isKernel, kernelName } from "../../lanes/task.ts";
import { prepare, spreadItems } from "../../timing/job_items.ts";
import {
  hasEqualItems,
  profiledRun,
  PullError,
  Sampler,
  type Sampling,
  thrownBy,
} from "./sampler.ts";
import {
  type Exports,
  HOOKS,
  type ItemsKind,
  type ProbeMessage,
  type ProbeOrder,
} from "./probe_message.ts";

type Module = Record<string, unknown>;

function kindOf(items: unknown): ItemsKind {
  if (items === undefined) return "missing";
  if (typeof items === "function") return "function";
  if (typeof items === "string") return "string";
  if (typeof items !== "object" || items === null) return "not iterable";
  const { length, size } = items as { length?: unknown; size?: unknown };
  if (Symbol.iterator in items) return (length ?? size) === 0 ? "empty" : "iterable";
  return Symbol.asyncIterator in items ? "async iterable" : "not iterable";
}

const CAN_BE_TAKEN: ReadonlySet<ItemsKind> = new Set(["iterable", "async iterable", "function"]);

function exportsOf(module: Module, name: string): Exports {
  const { items, title } = module;
  const isCallable = (key: string) =>
    typeof module[key] === "function" && notCallable(module[key]) === undefined;
  return {
    ...(typeof title === "string" && { title }),
    items: kindOf(items),
    task: notCallable(module[name]) ?? typeof module[name],
    hooks: HOOKS.filter((hook) => typeof module[hook] === "function"),
    wrongHook: HOOKS.find((hook) => module[hook] !== undefined && !isCallable(hook)),
    hasKernel: isKernel(module[kernelName(name)]),
    functions: Object.keys(module).filter(isCallable),
  };
}

/** A process in which nothing is open ends before so many timers that don't hold it have followed each other. */
const ENDS_IN = 5;
const TURN_MS = 20;

function afterTurns(turns: number, then: () => void): void {
  if (turns === 0) then();
  else clock.hold(clock.setTimeout(() => afterTurns(turns - 1, then), TURN_MS), false);
}

/** What can keep an event loop running, by the names that Deno and Node have for it. */
const HOLDERS: readonly (readonly [name: RegExp, what: string])[] = [
  [/^Timeout$/, "a timer or an interval"],
  [/^http$|^TCPServerWrap$/, "a server"],
  [/WebSocket$/, "a WebSocket"],
  [/Listener$/, "a listening socket"],
  [/Stream$|^TCPSocketWrap$/, "a connection"],
  [/BroadcastChannel/, "a BroadcastChannel"],
  [/^messagePort$/, "a MessagePort"],
  [/^fsEvents$/, "a watcher of files"],
  [/^child$/, "a program"],
];

function whatIsOpen(): string {
  // Not every Deno shows its resources; Node's names are known then.
  const { core } = internals<{ readonly core: { resources?(): Record<string, string> } }>();
  const names = [...process.getActiveResourcesInfo(), ...Object.values(core?.resources?.() ?? {})];
  const open = HOLDERS.filter(([name]) => names.some((of) => name.test(of)));
  return open.map(([, what]) => what).join(", ") ||
    "something, such as a worker or an AbortSignal.timeout with a listener,";
}

/** Sends the process's messages, and ends it. */
function voiceOf(tell: (message: ProbeMessage) => void) {
  let hasBegun = false;
  refuseStdin(() => hasBegun);
  const say = (message: ProbeMessage) => {
    hasBegun ||= message.type === "phase" && message.phase === "tasks";
    tell(message);
  };
  const end = (message?: ProbeMessage): never => {
    if (message !== undefined) say(message);
    Deno.exit(0);
  };
  const breaks = (where: string) => (error: unknown): never =>
    end({ type: "broken", where, error: thrownBy(error) });
  self.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    breaks("a promise that nobody awaits")(event.reason);
  });
  self.addEventListener("error", (event) => {
    event.preventDefault();
    breaks("a callback")(event.error);
  });
  return { say, end, breaks };
}

type Voice = ReturnType<typeof voiceOf>;

/** Prepares the job, and makes its items in the order in which they are taken. */
async function opened(order: ProbeOrder, module: Module, { say, end, breaks }: Voice) {
  const hookOf = (name: string) => module[name] as (() => unknown) | undefined;
  say({ type: "phase", phase: "prepare" });
  const prepared = await prepare(hookOf("prepare")).catch(breaks("prepare"));
  say({ type: "phase", phase: "items" });
  await (async () => await hookOf("reset")?.())().catch(breaks("reset"));
  const open = async () => {
    const { items } = module;
    return await (typeof items === "function" ? items() : items) as Items<unknown>;
  };
  const made = await open().catch(breaks("items"));
  const kind = kindOf(made);
  if (!CAN_BE_TAKEN.has(kind) || kind === "function") end({ type: "refused", items: kind });
  const list = Array.isArray(made) ? made : undefined;
  const keepsOrder = order.shares === true && list !== undefined && !hasEqualItems(list);
  const { items, places } = order.spread && !keepsOrder
    ? spreadItems(made, order)
    : { items: made, places: undefined };
  const listed = places && Math.min(list!.length, order.first ?? Infinity);
  return { prepared, items, list, places, listed };
}

async function main(): Promise<void> {
  // Nothing here could stop a task, so SIGTERM or the loss of the parent simply ends the process.
  const { order, inbox, tell, signal } = await connectToParent<ProbeOrder>({ onTerm: "dies" });
  signal.onabort = () => Deno.exit(1);
  const voice = voiceOf(tell);
  const { say, end, breaks } = voice;
  const startMs = performance.now();
  const [module, exports] = await importModule(order.module).then((module) =>
    [module, exportsOf(module, order.export)] as const
  ).catch(breaks("the module"));
  const loadMs = performance.now() - startMs;
  say({ type: "loaded", exports });
  if (order.dry || exports.task !== "function" || !CAN_BE_TAKEN.has(exports.items)) end();
  const { prepared, ...taken } = await opened(order, module, voice);
  say({ type: "phase", phase: "setup" });
  const setupStartMs = performance.now();
  const tasks = new LaneTasks();
  const { fn: task, given } = await Promise.resolve(tasks.ready(order))
    .catch((error) => breaks("setup")(error.cause ?? error));
  const laneMs = loadMs + performance.now() - setupStartMs;
  const sampling: Sampling = { task, given, ...taken };
  // Set-up has ended, and the first item is next.
  const { isDisposable } = prepared;
  say({ type: "phase", phase: "items", lane: { loadMs, laneMs, isDisposable } });
  /** Returns how long the lane's teardown took; disposing what prepare gave isn't part of it. */
  const close = async (): Promise<number> => {
    const startMs = performance.now();
    const [failure] = await tasks.close();
    if (failure !== undefined) breaks("teardown")(failure.cause);
    const teardownMs = performance.now() - startMs;
    const disposed = Promise.resolve(prepared[Symbol.asyncDispose]());
    await disposed.catch(breaks("disposing what prepare gave"));
    return teardownMs;
  };
  const pulling = (error: unknown) =>
    error instanceof PullError
      ? breaks(`making item ${error.index}`)(error.cause)
      : breaks("items")(error);
  if (order.profile !== undefined) {
    const ran = await profiledRun(sampling, order.limit, order.profile).catch(pulling);
    await close();
    end({ type: "profiled", ...ran });
  }
  const readMeter = async () => {
    say({ type: "meter" });
    await inbox.next();
  };
  const sampler = new Sampler(order, sampling, say, readMeter);
  await sampler.run().catch(pulling);
  const comparable = module.comparable as ((value: unknown) => unknown) | undefined;
  const digests = await sampler.digests(comparable).catch(breaks("comparable"));
  say({ type: "digests", digests });
  say({ type: "finished", teardownMs: await close() });
  signal.onabort = null;
  // From here on nothing of this program's own keeps it from ending.
  await inbox.ended;
  afterTurns(ENDS_IN, () => end({ type: "open", what: whatIsOpen() }));
}

if (import.meta.main) await main();
