/** The start of tests of a real cluster: a NATS server, and machines that join it as processes. */

import { cluster, type Executor } from "../../../lib/mod.ts";
import { hasNats, LaneProcess, NatsServer } from "../../nats_server.ts";
import { ROOT } from "../../scripts/run_script.ts";
import { oneFailure } from "../one_failure.ts";

/** After this long without a message, in milliseconds, a machine counts as lost in tests that lose one. */
export const SILENCE_MS = 3000;
/** The options that allow lanes of a test all that its tasks need. */
export const ALL = [
  "--allow-module",
  `${ROOT}tests`,
  "--allow-module",
  "data:",
  "--allow-net=127.0.0.1",
];

/** Registers a test of a real cluster; it is ignored without a NATS server. */
export function fault(name: string, fn: () => Promise<void>, ignore = false): void {
  // The test has no steps, because a connection's listeners outlive a step.
  Deno.test({ name: `cluster: ${name}`, ignore: !hasNats || ignore, fn: oneFailure(fn) });
}

/**
 * Opens an executor over the machines that joined a server.
 *
 * @param silenceMs Where no machine is lost, the usual time, which a busy machine doesn't outrun so soon.
 */
export function open(server: NatsServer, lanes = 2, silenceMs?: number): Executor {
  return cluster({ servers: server.url, lanes, silenceMs });
}

/** Starts a machine with one lane. */
export const oneLane = (server: NatsServer) =>
  LaneProcess.start(server.url, ["--lanes", "1", ...ALL]);
