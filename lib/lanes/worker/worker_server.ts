/** What runs the tasks of a thread, loaded once the thread has said that it is ready. */

import { Cells } from "../remote/cells.ts";
import { LaneServer, type Runner } from "../remote/lane_server.ts";
import { threads, type Way } from "../remote/way.ts";
import type { Line } from "./line.ts";

/** What is to be given what the caller sends. */
export function serve(
  line: Line,
  slots: number,
  cells: SharedArrayBuffer | undefined,
  runner: Runner | undefined,
  way: Way = threads,
): LaneServer {
  return new LaneServer({
    slots,
    way,
    ...(cells !== undefined && { cells: new Cells(slots, cells) }),
    runner,
    send: (...message) => line.send(...message),
    usage: () => {
      const { user, system } = process.threadCpuUsage();
      return [(user + system) / 1000, NaN];
    },
  });
}
