/**
 * The program of a subprocess lane. It imports no npm package, so that lanes start fast. It ends when its
 * frames end or its parent is gone, so it is never left behind.
 */

import { platform } from "../platform.ts";
import { FromLane, ToLane } from "../remote/channel.ts";
import { LaneServer } from "../remote/lane_server.ts";
import { endWithParent, onEnding } from "../remote/endings.ts";
import {
  cloningThrough,
  decodePayload,
  encodeFrame,
  type Frame,
  LARGE_BYTES,
  readFrames,
  serializerOf,
  WIDE_FD,
  WIDER,
} from "./frame.ts";
import { frames, openDescriptors } from "./streams.ts";

/** The carrier of frames, and the wider one while it is being opened. */
let carrier = frames;
let opening: Promise<void> | undefined;

// Saved before a task's module can replace it.
const exit = Deno.exit;

function write(parts: readonly Uint8Array[]): void {
  try {
    for (const part of parts) {
      for (let at = 0; at < part.length;) at += carrier.writeSync(part.subarray(at));
    }
  } catch {
    exit(1); // the parent is gone
  }
}

// Sent before the rest is loaded, which takes as long again.
write(encodeFrame(FromLane.ready, [performance.timeOrigin], undefined));
// Ctrl-C reaches the whole process group, and so do the signals that stop or reload a service. The parent
// decides what they mean, and its lanes end with it.
const FOR_ALL = ["SIGINT", "SIGHUP", "SIGTERM", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;
for (const signal of Deno.build.os === "windows" ? FOR_ALL.slice(0, 1) : FOR_ALL) {
  Deno.addSignalListener(signal, () => {});
}
endWithParent(Deno.ppid);
const serializer = serializerOf(await import("node:v8"));

// These arguments are the lane's own; a task must not see them.
const [slots, descriptor] = Deno.args.splice(0);
// Opening descriptors has loaded Node's `process`, which has its own copy of the arguments.
if (descriptor !== undefined) process.argv.splice(2);
const server = new LaneServer({
  slots: Number(slots),
  cloning: cloningThrough(serializer),
  send: (kind, head, payload) => write(encodeFrame(kind, head, payload, serializer)),
  usage: () => {
    const { user, system } = platform.process.cpuUsage();
    return [(user + system) / 1000, platform.process.resourceUsage().maxRSS * 1024];
  },
});

function receive(frame: Frame): void {
  const { kind, head } = frame;
  if (kind === ToLane.end) exit(0);
  if (kind === WIDER) {
    opening = openDescriptors(WIDE_FD, WIDE_FD + 1).then((wider) => {
      write(encodeFrame(WIDER, [], undefined));
      carrier = wider;
    });
    return;
  }
  server.receive(kind, head, decodePayload(frame, serializer));
}

onEnding((how, error) => server.announceEnd(how, error), exit);
await readFrames(async (into, whole) => {
  await opening;
  let at = 0;
  do {
    const rest = into.subarray(at);
    // The rest of a large body arrives at once, so a synchronous read doesn't hold up anything.
    const isLarge = whole && rest.length >= LARGE_BYTES;
    const count = isLarge ? carrier.readSync(rest) : await carrier.read(rest);
    if (count === null) return undefined;
    at += count;
  } while (whole && at < into.length);
  return into.subarray(0, at);
}, receive);
exit(0);
