/**
 * Runs tasks on a GPU, in a lane's thread: it opens the device and keeps it busy. It needs its own thread because
 * Deno blocks while it waits for a GPU. It imports no npm package, so that lanes start fast.
 */

import { isKernel, type Kernel, kernelName, type Task } from "../task.ts";
import { importModule, unusable } from "../lane_tasks.ts";
import { wordsOf } from "../attempt.ts";
import type { BatchRunner } from "../remote/lane_server.ts";
import { KernelProgram, openDevice } from "./kernel_program.ts";
import { KernelRun } from "./kernel_run.ts";

/** The loss of a device is reported within this many milliseconds. */
const LOSS_TOLD_MS = 100;

/** @param end Ends the lane, which can't go on without its device. */
export async function openRunner(end: (how: string) => void): Promise<BatchRunner> {
  const device = await openDevice();
  const lost = device.gpu.lost.then(({ message, reason }) =>
    `the device was lost (${reason}${message ? `: ${message}` : ""})`
  );
  let isLost = false;
  const lose = (why: string) => {
    if (!isLost) end(`lost its GPU: ${why}`);
    isLost = true;
  };
  void lost.then(lose);
  // Work on a lost device fails, sometimes before the loss itself is reported.
  const fail = async (error: unknown) => {
    const late = new Promise<string>((told) =>
      setTimeout(() => told(wordsOf(error)), LOSS_TOLD_MS)
    );
    lose(await Promise.race([lost, late]));
  };
  return {
    device: { name: device.name, software: device.software },
    async ready(task) {
      const program = await KernelProgram.compile(device, await kernelOf(task)).catch((cause) => {
        throw unusable(
          task.module,
          `Cannot compile the kernel of task module ${task.module}: ${wordsOf(cause)}`,
          { cause },
        );
      });
      return (batch, host) => new KernelRun(batch, program, host, fail);
    },
  };
}

/** The export that is a task's kernel. */
async function kernelOf({ module, export: task }: Task): Promise<Kernel<unknown, unknown>> {
  const name = kernelName(task);
  const kernel = (await importModule(module))[name];
  if (!isKernel(kernel)) {
    throw unusable(
      module,
      `Cannot run ${JSON.stringify(task)} of task module ${module} on a GPU: it has no kernel; ` +
        `export one as ${name}, or choose another model`,
    );
  }
  return kernel;
}
