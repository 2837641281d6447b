/**
 * Sends buffers of 1 MiB to a subprocess, and back with `back`, with only their length in front. Arguments:
 * there|back, buffers. With the argument `child` this program is the subprocess.
 */

import { checkedBuffer, checkedMark } from "./tasks.ts";
import { numbers, reading, report } from "./reading.ts";

const HEADER_BYTES = 4;

/** Returns a function that reads exactly `bytes` bytes of a stream at a time, into memory of its own. */
function frames(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
  const reader = stream.getReader({ mode: "byob" });
  return async function read(bytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { value } = await reader.read(new Uint8Array(bytes), { min: bytes });
    return value?.byteLength === bytes ? value : undefined;
  };
}

function header(bytes: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES));
  view.setUint32(0, bytes);
  return new Uint8Array(view.buffer);
}

async function nextFrame(
  read: ReturnType<typeof frames>,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const head = await read(HEADER_BYTES);
  return head && await read(new DataView(head.buffer).getUint32(0));
}

async function child(direction: string): Promise<void> {
  const read = frames(Deno.stdin.readable as ReadableStream<Uint8Array<ArrayBuffer>>);
  const writer = Deno.stdout.writable.getWriter();
  for (let frame = await nextFrame(read); frame; frame = await nextFrame(read)) {
    const answer = direction === "back" ? frame : header(checkedMark(frame));
    await writer.write(header(answer.byteLength));
    await writer.write(answer);
  }
}

async function parent(direction: string, count: number): Promise<void> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--no-lock", import.meta.url, direction, "0", "child"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const read = frames(process.stdout);
  const writer = process.stdin.getWriter();
  const pass = async (buffers: Uint8Array<ArrayBuffer>[]): Promise<number[]> => {
    const marks: number[] = [];
    const writing = (async () => {
      for (const buffer of buffers) {
        await writer.write(header(buffer.byteLength));
        await writer.write(buffer);
      }
    })();
    for (let index = 0; index < buffers.length; index++) {
      const frame = await nextFrame(read);
      if (frame === undefined) break;
      marks.push(
        direction === "back" ? checkedMark(frame) : new DataView(frame.buffer).getUint32(0),
      );
    }
    await writing;
    return marks;
  };
  await pass(numbers(8).map(checkedBuffer));
  const buffers = numbers(count).map(checkedBuffer);
  const measured = await reading(() => pass(buffers));
  await writer.close();
  await process.status;
  report(measured);
}

const [direction = "back", count = "100", role = "parent"] = Deno.args;
if (role === "child") await child(direction);
else await parent(direction, Number(count));
