/** The items are yielded one by one, 6 ms apart, and each task waits 12 ms. @module */
import { wait } from "./compute.ts";

export async function* items(): AsyncGenerator<number> {
  for (let item = 0; item < 100; item++) {
    await wait(6);
    yield item;
  }
}

export default async function (item: number): Promise<number> {
  await wait(12);
  return item;
}
