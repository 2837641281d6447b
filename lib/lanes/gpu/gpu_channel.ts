/**
 * The channel to a GPU lane's thread. A program that ends while a thread still gives back what it holds in
 * a GPU's driver is brought down by a segmentation fault (Deno 2.9 with Mesa's drivers), so that thread is
 * given a moment.
 */

import type { ChannelEvents } from "../remote/channel.ts";
import { clock } from "../timers.ts";
import { WorkerChannel } from "../worker/worker_channel.ts";

const ENTRY = new URL("./gpu_main.ts", import.meta.url);

/** An ended thread has given everything back by then, in milliseconds. */
const GIVEN_BACK_MS = 100;

/** Giving back a device takes a driver on a busy machine a while; what computes in a kernel's `open` longer. */
const STUCK = {
  afterMs: 3000,
  remedy: "Let the open, write, read and result of its kernel do less.",
};

const open = new Set<GpuChannel>();

/** Ends the threads of executors that were never closed. A program that ends can't await anything. */
function endAll(): void {
  if (open.size === 0) return;
  for (const channel of open) channel.kill();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, GIVEN_BACK_MS);
}

export class GpuChannel extends WorkerChannel {
  constructor(events: ChannelEvents, { number, slots }: { number: number; slots: number }) {
    super(events, { number, slots, modules: [], entry: ENTRY, stuck: STUCK });
    if (open.size === 0) globalThis.addEventListener("unload", endAll);
    open.add(this);
  }

  override async close(): Promise<void> {
    await super.close();
    if (!open.has(this)) return;
    await new Promise((resolve) => clock.setTimeout(resolve, GIVEN_BACK_MS));
    open.delete(this);
    if (open.size === 0) globalThis.removeEventListener("unload", endAll);
  }
}
