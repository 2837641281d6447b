/**
 * The task of the fuzzer: it records its start and whether its item arrived unchanged, then does what the item
 * says.
 */

import type { TaskContext } from "../../../lib/lanes/task.ts";

/** The task's behaviour for an item. */
export type Does =
  | "returns"
  | "waits"
  | "computes"
  | "throws"
  | "throws once"
  | "exits"
  | "strays"
  | "is deaf"
  | "gives a function";

export interface FuzzItem {
  readonly id: number;
  readonly does: Does;
  /** Bytes that all have the value of the id's lowest byte. */
  readonly bytes: Uint8Array;
  /** The numbers from 0 to below the id, and an error, in a form that isn't sent as it is. */
  readonly seen: Map<string, unknown>;
  /** The place where starts are counted: shared memory, or a file for lanes that share no memory. */
  readonly starts: Int32Array | string;
}

/** A text that shows how the item arrived. */
export function checksumOf({ id, bytes, seen }: FuzzItem): string {
  const error = seen.get("error") as Error & { code: number };
  return `${id} ${bytes.length} ${bytes.every((byte) => byte === (id & 255))} ${error.name} ` +
    `${error.code} ${seen.get("list")}`;
}

export default async function (item: FuzzItem, { attempt }: TaskContext): Promise<unknown> {
  const { id, does, starts } = item;
  const checksum = checksumOf(item);
  if (typeof starts === "string") Deno.writeTextFileSync(starts, `${id}\n`, { append: true });
  else Atomics.add(starts, id, 1);
  switch (does) {
    case "waits":
      await new Promise((resolve) => setTimeout(resolve, id % 4));
      break;
    case "computes":
      for (const end = performance.now() + 2; performance.now() < end;);
      break;
    case "throws":
      throw new RangeError(checksum);
    case "throws once":
      if (attempt === 1) throw new RangeError(checksum);
      break;
    case "exits":
      await undefined;
      Deno.exit(id & 7);
      break;
    case "strays":
      void Promise.reject(new Error("nobody waits for this"));
      await new Promise((resolve) => setTimeout(resolve, 1));
      break;
    case "is deaf":
      await new Promise(() => {});
      break;
    case "gives a function":
      return { id, checksum, render() {} };
  }
  return { id, checksum, bytes: new Uint8Array(item.bytes) };
}
