/** Waits, and adds a line to a file that all tasks write. @module */
import { numbers, wait } from "./compute.ts";

const file = new URL("./adds_lines.tmp", import.meta.url);

export const items = numbers(80);

export default async function (item: number): Promise<number> {
  await wait(10);
  await Deno.writeTextFile(file, `${item}\n`, { append: true });
  return item;
}
