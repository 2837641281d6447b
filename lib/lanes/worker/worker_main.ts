/// <reference lib="deno.worker" />
/**
 * The program of a lane's thread, from its parent's first message on. It imports no npm package, so that lanes
 * start fast. The files that run tasks are loaded before the lane is ready, so that a lack of file descriptors for
 * them counts as a failed start and no task is blamed.
 */

import { wordsOf } from "../attempt.ts";
import { platform } from "../platform.ts";
import { Cells } from "../remote/cells.ts";
import { FromLane } from "../remote/channel.ts";
import { type Cloning, structuredCloning } from "../remote/clone.ts";
import { type BatchRunner, LaneServer } from "../remote/lane_server.ts";
import { onEnding } from "../remote/endings.ts";
import { Line, type Opening } from "./line.ts";
import { ENDING, HELD, holdWhileAlive } from "./end_watch.ts";

const scope = self as unknown as DedicatedWorkerGlobalScope;
// Bound before a task's module can replace it.
const close = scope.close.bind(scope);

/** The parent gets no event when a thread ends itself, so the thread announces its end first. */
let announceEnd = (how: string, _error?: unknown): void => scope.postMessage([ENDING, how]);
const end = (how: string) => {
  announceEnd(how);
  close();
};

// Otherwise an uncaught error would end the parent, or this thread silently.
onEnding((how, error) => announceEnd(how, error), close);

scope.addEventListener("message", async ({ data }: MessageEvent<Opening>) => {
  const { far, lock, slots, cells, isRelayed, onGpu } = data;
  const runner = onGpu ? await gpuRunner() : undefined;
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

/** What runs tasks on a GPU; ends the thread if there is none, or once it is lost. */
async function gpuRunner(): Promise<BatchRunner> {
  const { openRunner } = await import("../gpu/gpu_runner.ts");
  return await openRunner(end).catch((error) => {
    end(wordsOf(error));
    return new Promise<never>(() => {});
  });
}

/** Cloning for values that go on to another machine: it refuses those that only threads can be sent. */
async function relayedCloning(): Promise<Cloning> {
  const { serializerOf, cloningThrough } = await import("../subprocess/frame.ts");
  return cloningThrough(serializerOf(await import("node:v8")));
}
