/// <reference lib="deno.worker" />
/** Serves a lane in this thread, from its parent's first message on. */

import { wordsOf } from "../attempt.ts";
import { platform } from "../platform.ts";
import { Cells } from "../remote/cells.ts";
import { FromLane } from "../remote/channel.ts";
import { type Cloning, structuredCloning } from "../remote/clone.ts";
import { type BatchRunner, LaneServer } from "../remote/lane_server.ts";
import { onEnding } from "../remote/endings.ts";
import { ENDING, HELD, holdWhileAlive } from "./end_watch.ts";
import { type FarEnd, Line } from "./line.ts";

type Opening = readonly [
  end: FarEnd,
  lock: string,
  slots: number,
  cells: SharedArrayBuffer | undefined,
  isRelayed: boolean,
];

/**
 * Makes this thread a lane. The files that run tasks are loaded before the lane is ready, so that a lack of
 * file descriptors for them counts as a failed start and no task is blamed.
 *
 * @param open Makes what runs the tasks, if that isn't calling their functions. It gets a function that ends a
 * lane that can't continue. If it throws, the lane can't start.
 */
export function serveThread(open?: (end: (how: string) => void) => Promise<BatchRunner>): void {
  const scope = self as unknown as DedicatedWorkerGlobalScope;
  // Bound before a task's module can replace it.
  const close = scope.close.bind(scope);

  /** The parent gets no event when a thread ends itself, so the thread announces its end first. */
  let announceEnd = (how: string, _error?: unknown): void => scope.postMessage([ENDING, how]);
  const end = (how: string, error?: unknown) => {
    announceEnd(how, error);
    close();
  };

  // Otherwise an uncaught error would end the parent, or this thread silently.
  onEnding((how, error) => announceEnd(how, error), close);

  const opening = open?.(end).catch((error) => {
    end(wordsOf(error));
    return new Promise<never>(() => {});
  });
  scope.addEventListener("message", async ({ data }: MessageEvent<Opening>) => {
    const [far, lock, slots, cells, isRelayed] = data;
    const runner = await opening;
    const cloning = isRelayed ? await relayedCloning() : structuredCloning;
    const line = new Line(far);
    announceEnd = (how) => line.send(FromLane.ending, [], { how });
    line.send(FromLane.ready, [performance.timeOrigin]);
    const server = new LaneServer({
      slots,
      cloning,
      ...(cells !== undefined && { cells: new Cells(slots, cells) }),
      runner,
      send: line.send.bind(line),
      usage: () => {
        const { user, system } = platform.process.threadCpuUsage();
        return [(user + system) / 1000, NaN];
      },
    });
    announceEnd = (how, error) => server.announceEnd(how, error);
    // Tasks run only after this, because Deno must first load its lock API.
    holdWhileAlive(lock, () => {
      line.send(HELD, []);
      line.start(server.receive.bind(server));
    });
  }, { once: true });
}

/** Cloning for values that go on to another machine: it refuses those that only threads can be sent. */
async function relayedCloning(): Promise<Cloning> {
  const { serializerOf, cloningThrough } = await import("../subprocess/frame.ts");
  return cloningThrough(serializerOf(await import("node:v8")));
}
