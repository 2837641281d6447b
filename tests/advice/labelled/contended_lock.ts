/** Takes a file's lock, which one task on the whole machine can hold, and waits 10 ms with it. @module */
import { wait } from "./compute.ts";

let path = "";

export async function prepare(): Promise<AsyncDisposable> {
  path = await Deno.makeTempFile({ prefix: "lanes-lock-" });
  return { [Symbol.asyncDispose]: () => Deno.remove(path) };
}

export async function* items(): AsyncGenerator<string> {
  for (let item = 0; item < 80; item++) yield path;
}

export default async function (file: string): Promise<number> {
  using lock = await Deno.open(file, { write: true });
  await lock.lock(true);
  try {
    await wait(10);
  } finally {
    await lock.unlock();
  }
  return 1;
}
