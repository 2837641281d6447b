import { assertEquals, assertThrows } from "@std/assert";
import { LaneStartError } from "../../../lib/lanes/errors.ts";
import { granted } from "../../granted.ts";

const FILE = new URL(import.meta.url);

/** The module as a program that has started no thread yet sees it. */
async function anew(): Promise<(file: URL) => void> {
  const path = `../../../lib/lanes/worker/worker_channel.ts?${crypto.randomUUID()}`;
  const { reserveDescriptors } = await import(new URL(path, import.meta.url).href);
  return reserveDescriptors;
}

/** What the module did to the system. */
interface Done {
  /** How often a file was opened, and how many are open still. */
  opened: number;
  open: number;
  /** How often it listened to a signal, and who listens still. */
  added: number;
  readonly listening: unknown[];
}

/** Runs it with the system's answers made up: `open` is asked for each file. */
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

Deno.test({
  name: "the signal pipe is opened once, and nothing is left listening",
  ignore,
  async fn() {
    const reserveDescriptors = await anew();
    const { added, listening } = staged(() => {
      reserveDescriptors(FILE);
      reserveDescriptors(FILE);
    });
    assertEquals([added, listening], [1, []]);
  },
});

Deno.test({
  name: "there must be descriptors for a thread, which are there for it then",
  ignore,
  async fn() {
    const reserveDescriptors = await anew();
    const { opened, open } = staged(() => reserveDescriptors(FILE));
    assertEquals([opened, open], [8, 0]);
  },
});

Deno.test({
  name: "where too few descriptors are left no thread is started, and none of them is kept",
  ignore,
  async fn() {
    const reserveDescriptors = await anew();
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
  async fn() {
    const reserveDescriptors = await anew();
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
