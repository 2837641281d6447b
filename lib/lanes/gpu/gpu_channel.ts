/**
 * The channel to a GPU lane's thread. If the program ends while a thread still releases resources of the GPU's
 * driver, it crashes with a segmentation fault (Deno 2.9 with Mesa's drivers), so the program waits a moment
 * for the thread.
 */

import type { ChannelEvents } from "../remote/channel.ts";
import { clock } from "../timers.ts";
import { WorkerChannel } from "../worker/worker_channel.ts";

/** An ended thread has released everything after this many milliseconds. */
const GIVEN_BACK_MS = 100;

/** On a busy machine a driver takes a while to release a device, and a kernel's `open` may take longer. */
const STUCK = {
  afterMs: 3000,
  remedy: "Let the open, write, read and result of its kernel do less.",
};

const open = new Set<GpuChannel>();

/** Ends the threads of executors that were never closed. It blocks, since a program that ends can't await. */
function endAll(): void {
  if (open.size === 0) return;
  for (const channel of open) channel.kill();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, GIVEN_BACK_MS);
}

export class GpuChannel extends WorkerChannel {
  constructor(events: ChannelEvents, { number, slots }: { number: number; slots: number }) {
    super(events, { number, slots, modules: [], onGpu: true, stuck: STUCK });
    if (open.size === 0) globalThis.addEventListener("unload", endAll);
    open.add(this);
  }

  override async close(): Promise<void> {
    await super.close();
    if (!open.has(this)) return;
    await new Promise<void>((resolve) => clock.setTimeout(resolve, GIVEN_BACK_MS));
    open.delete(this);
    if (open.size === 0) globalThis.removeEventListener("unload", endAll);
  }
}
