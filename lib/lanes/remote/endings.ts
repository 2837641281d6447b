/**
 * The events that end a lane from inside: its code, errors thrown outside every task (in a timer, or as an
 * unhandled rejection), and the end of its parent. Errors don't end it if the lane's code handles them in any
 * way.
 */

import { internals, platform } from "../platform.ts";
import { asyncContext, inAsyncContext } from "../async_context.ts";

type Strays = "error" | "unhandledrejection";

// Before a task's module can put others in their place.
const { ErrorEvent, PromiseRejectionEvent } = globalThis;

/** Deno's internal state for Node's `process`, once that is in use. */
interface Internals {
  readonly nodeProcessUnhandledRejectionCallback?: unknown;
}

/**
 * Reports errors that nothing handles. Otherwise the platform would end the lane without telling the caller. It
 * must be called before any task is loaded.
 */
export function onStrayError(tell: (how: string, error: unknown) => void): void {
  const asked = new WeakSet<Event>();
  const listen = (type: Strays, how: string) => {
    addEventListener(type, (event) => {
      if (asked.has(event)) return;
      // All other listeners get a copy of the event first, because some may be added later.
      event.stopImmediatePropagation();
      const copy = copyOf(type, event);
      asked.add(copy);
      if (!dispatchEvent(copy)) return event.preventDefault();
      if (nodeHandles(type)) return;
      event.preventDefault();
      const error = event instanceof ErrorEvent
        ? event.error
        : (event as PromiseRejectionEvent).reason;
      const isTimers = thrown !== undefined && Object.is(thrown.error, error);
      inAsyncContext(isTimers ? thrown!.context : asyncContext(), () => tell(how, error));
    });
  };
  for (const name of ["setTimeout", "setInterval", "setImmediate"] as const) noteThrows(name);
  listen("error", "threw outside the task");
  listen("unhandledrejection", "left a rejection unhandled");
}

/** The last error that a timer threw, and its async context, which has changed when it is reported. */
let thrown: { readonly error: unknown; readonly context: unknown } | undefined;

/** Records what a timer throws; wraps it on first use, because Deno takes milliseconds to load timers. */
function noteThrows(name: "setTimeout" | "setInterval" | "setImmediate"): void {
  const global = globalThis as unknown as Record<string, object>;
  const { get = () => value, value } = Object.getOwnPropertyDescriptor(global, name)!;
  let set: object | undefined;
  Object.defineProperty(global, name, {
    configurable: true,
    enumerable: true,
    get: () =>
      set ??= new Proxy(get.call(global), {
        apply: (set, self, [action, ...more]) =>
          Reflect.apply(set, self, [noting(action), ...more]),
      }),
    set: (other) => set = other,
  });
}

function noting(action: unknown): unknown {
  return typeof action !== "function" ? action : function (this: unknown, ...given: unknown[]) {
    try {
      return action.apply(this, given);
    } catch (error) {
      thrown = { error, context: asyncContext() };
      throw error;
    }
  };
}

/** Has a lane announce how its own code ends it, and then ends it. */
export function onEnding(
  announce: (how: string, error?: unknown) => void,
  end: (code: number) => void,
): void {
  const { exit } = Deno;
  Deno.exit = (code) => {
    announce(`called Deno.exit(${code ?? ""})`);
    return exit(code);
  };
  globalThis.close = () => {
    announce("called self.close()");
    end(0);
  };
  onStrayError((how, error) => {
    announce(how, error);
    end(1);
  });
}

function copyOf(type: Strays, event: Event): Event {
  if (event instanceof ErrorEvent) {
    const { message, filename, lineno, colno, error } = event;
    return new ErrorEvent(type, { message, filename, lineno, colno, error, cancelable: true });
  }
  const { promise, reason } = event as PromiseRejectionEvent;
  return new PromiseRejectionEvent(type, { promise, reason, cancelable: true });
}

/** Whether a `process.on(…)` listener handles the event; Deno asks it only after all other listeners. */
function nodeHandles(type: Strays): boolean {
  if (internals<Internals>().nodeProcessUnhandledRejectionCallback === undefined) return false;
  const name = type === "error" ? "uncaughtException" : "unhandledRejection";
  return platform.process.listenerCount(name) > 0;
}

/** How often the thread checks, in milliseconds: often enough for people, at almost no cost. */
const LOOK_MS = 250;

/**
 * Ends a child whose parent is gone, even while the child is in a busy loop. Such a child can't see that its
 * stdin has ended, and a parent that was killed can't end it. A separate thread can; it needs no permission,
 * since it only reads the parent's id and ends only its own process.
 */
export function endWithParent(parentPid: number): Worker {
  // Code from a file would need the permission to read it.
  const code = `(${watch})(${parentPid}, ${LOOK_MS})`;
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  return new Worker(url, { type: "module", name: "orphan watch" });
}

/** Runs in the thread from its source text, so it can use nothing of this module. */
function watch(parentPid: number, lookMs: number): void {
  // An orphan gets another parent.
  const look = () => {
    if (Deno.ppid !== parentPid) Deno.kill(Deno.pid, "SIGKILL");
  };
  look();
  setInterval(look, lookMs);
}
