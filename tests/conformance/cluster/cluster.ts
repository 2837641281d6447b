/** What tests of a real cluster begin with: a NATS server and machines that join it, as processes. */

import { cluster, type Executor } from "../../../lib/mod.ts";
import { hasNats, LaneProcess, NatsServer } from "../../nats_server.ts";
import { ROOT } from "../../scripts/run_script.ts";

/** A machine that isn't heard of for so long is lost. */
export const SILENCE_MS = 3000;
/** What lanes of a test may run and do. */
export const ALL = [
  "--allow-module",
  `${ROOT}tests`,
  "--allow-module",
  "data:",
  "--allow-net=127.0.0.1",
];

/** Registers a test of a real cluster, where there is a server for it. */
export function fault(name: string, fn: () => Promise<void>, ignore = false): void {
  // What is listened to on a connection goes on from one test's step to the next.
  Deno.test({ name: `cluster: ${name}`, ignore: !hasNats || ignore, fn });
}

/** Opens an executor over a server's machines. */
export function open(server: NatsServer, lanes = 2): Executor {
  return cluster({ servers: server.url, lanes, silenceMs: SILENCE_MS });
}

/** A machine with one lane. */
export const oneLane = (server: NatsServer) =>
  LaneProcess.start(server.url, ["--lanes", "1", ...ALL]);
