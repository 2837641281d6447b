import { assertEquals, assertThrows } from "@std/assert";
import { LaneStartError } from "../../../lib/lanes/errors.ts";
import { reserveDescriptors } from "../../../lib/lanes/worker/worker_channel.ts";
import { granted } from "../../granted.ts";

const FILE = new URL(import.meta.url);

/** The module's effects on the system. */
interface Done {
  /** How often a file was opened, and how many files are still open. */
  opened: number;
  open: number;
  /** How often a signal listener was added, and the listeners that are left. */
  added: number;
  readonly listening: unknown[];
}

/** Runs a function with fake system calls; `open` is called for each file opened. */
function staged(run: () => void, open: (count: number) => void = () => {}): Done {
  const done: Done = { opened: 0, open: 0, added: 0, listening: [] };
  const { addSignalListener, removeSignalListener, openSync } = Deno;
  Object.assign(Deno, {
    addSignalListener: (_signal: string, listener: unknown) => {
      done.added++;
      done.listening.push(listener);
    },
    removeSignalListener: (_signal: string, listener: unknown) => {
      done.listening.splice(done.listening.indexOf(listener), 1);
    },
    openSync: () => {
      open(done.opened++);
      done.open++;
      return { close: () => done.open-- };
    },
  });
  try {
    run();
  } finally {
    Object.assign(Deno, { addSignalListener, removeSignalListener, openSync });
  }
  return done;
}

const ignore = !granted("read");

/** What was done before any test, for whichever test comes first would open the pipe. */
const atFirst = staged(() => {
  reserveDescriptors(FILE);
  reserveDescriptors(FILE);
});

Deno.test({
  name: "the signal pipe is opened once, and nothing is left listening",
  ignore,
  fn() {
    assertEquals([atFirst.added, atFirst.listening], [1, []]);
  },
});

Deno.test({
  name: "there must be descriptors for a thread, which are there for it then",
  ignore,
  fn() {
    const { opened, open } = staged(() => reserveDescriptors(FILE));
    assertEquals([opened, open], [8, 0]);
  },
});

Deno.test({
  name: "where too few descriptors are left no thread is started, and none of them is kept",
  ignore,
  fn() {
    const cause = new Error("Too many open files (os error 24)");
    const { opened, open } = staged(() => {
      const error = assertThrows(() => reserveDescriptors(FILE), LaneStartError, cause.message);
      assertEquals(error.cause, cause);
    }, (count) => {
      if (count === 3) throw cause;
    });
    assertEquals([opened, open], [4, 0]);
  },
});

Deno.test({
  name: "where a thread's file may not be read, or isn't there, it is said what helps",
  ignore,
  fn() {
    const cases: [Error, string][] = [
      [new Deno.errors.NotCapable("no"), "no; threads need --allow-read=/"],
      [new Deno.errors.NotFound("no"), "no. Was this program bundled or compiled?"],
    ];
    for (const [error, says] of cases) {
      const start = () =>
        staged(() => reserveDescriptors(FILE), () => {
          throw error;
        });
      assertThrows(start, LaneStartError, says);
    }
  },
});
