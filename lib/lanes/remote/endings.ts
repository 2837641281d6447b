/**
 * What ends a lane from within: its code, errors that are thrown outside every task, in a timer or as a
 * rejection that nobody handles, and the end of its parent. Errors don't if its code handles them itself,
 * in whichever way.
 */

import { asyncContext, inAsyncContext } from "../async_context.ts";

type Strays = "error" | "unhandledrejection";

/** Where Deno keeps what it does for Node's `process`, once that is in use. */
interface Internals {
  readonly nodeProcessUnhandledRejectionCallback?: unknown;
}

/**
 * Tells of errors that nobody handles, in place of the platform, which would end the lane without a
 * word to the caller. To be called before any task is loaded.
 */
export function onStrayError(tell: (how: string, error: unknown) => void): void {
  const asked = new WeakSet<Event>();
  const listen = (type: Strays, how: string) => {
    addEventListener(type, (event) => {
      if (asked.has(event)) return;
      // All others are asked first, with an event of their own: some may listen from later on.
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

/** What a timer threw last, and the async context in which it did: it is another one once that is told. */
let thrown: { readonly error: unknown; readonly context: unknown } | undefined;

/** Has what a timer throws noted. Deno loads timers when they are first looked at, which takes milliseconds. */
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

/** Has it announced how a lane ends whose code ends it, and then ends it. */
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

/** Whether `process.on(…)` does, which Deno asks once nobody else has handled the event. */
function nodeHandles(type: Strays): boolean {
  const { internal } = Deno as unknown as { readonly internal: symbol };
  const internals = (Deno as unknown as Record<symbol, Internals | undefined>)[internal];
  if (internals?.nodeProcessUnhandledRejectionCallback === undefined) return false;
  const name = type === "error" ? "uncaughtException" : "unhandledRejection";
  return process.listenerCount(name) > 0;
}

/** How often the thread looks, in milliseconds: soon enough for people, and next to free. */
const LOOK_MS = 250;

/**
 * Ends a child whose parent is gone, even while the child is in a busy loop: it can't see then that its
 * stdin has ended, and a parent that was killed can't end it either. A thread beside the loop can. It
 * needs no permission: it asks for nothing but this process's parent, and may
 * end nothing but this process.
 */
export function endWithParent(parentPid: number): Worker {
  // Code from a file would need leave to read it.
  const code = `(${watch})(${parentPid}, ${LOOK_MS})`;
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  return new Worker(url, { type: "module", name: "orphan watch" });
}

/** Runs in the thread, so it knows nothing of this module. */
function watch(parentPid: number, lookMs: number): void {
  // An orphan is given to another parent, whichever that is.
  const look = () => {
    if (Deno.ppid !== parentPid) Deno.kill(Deno.pid, "SIGKILL");
  };
  look();
  setInterval(look, lookMs);
}
