/// <reference lib="deno.worker" />
/**
 * What runs in a worker lane's thread. It imports no npm package: a lane must start fast.
 *
 * @module
 */

import { Cells } from "../remote/cells.ts";
import { LaneServer } from "../remote/lane_server.ts";
import { onStrayError } from "../remote/stray_errors.ts";
import { threads } from "../remote/way.ts";
import { ENDING, holdWhileAlive } from "./end_watch.ts";

const scope = self as unknown as DedicatedWorkerGlobalScope;

/** What the parent's first message holds. */
type Opening = readonly [
  port: MessagePort,
  lock: string,
  slots: number,
  cells: SharedArrayBuffer,
];

// What the platform gives, before a task's module can change it.
const close = scope.close.bind(scope);
const exit = Deno.exit;

/** A thread that ends by itself raises no event in its parent, so it says so first. */
let announceEnd = (how: string, _error?: unknown): void => scope.postMessage([ENDING, how]);

scope.close = () => {
  announceEnd("called self.close()");
  close();
};
Deno.exit = (code) => {
  announceEnd(`called Deno.exit(${code ?? ""})`);
  return exit(code);
};
// Otherwise an uncaught error would end the parent, or this thread in silence.
onStrayError((how, error) => {
  announceEnd(how, error);
  close();
});

scope.addEventListener("message", ({ data }: MessageEvent<Opening>) => {
  const [port, lock, slots, cells] = data;
  const post = port.postMessage.bind(port) as (message: unknown, moves: ArrayBuffer[]) => void;
  const server = new LaneServer({
    slots,
    way: threads,
    cells: new Cells(slots, cells),
    send: (kind, head, payload, moves = []) => post([kind, head, payload], moves),
    usage: () => {
      const { user, system } = process.threadCpuUsage();
      return [(user + system) / 1000, NaN];
    },
  });
  port.onmessage = ({ data: [kind, head, payload] }) => server.receive(kind, head, payload);

  announceEnd = (how, error) => server.announceEnd(how, error);
  holdWhileAlive(lock, () => server.start());
}, { once: true });
