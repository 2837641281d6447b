/** A bare fetch loop with so many slots. Arguments: address, downloads, slots, downloads before. */

import { fetchPage } from "./tasks.ts";
import { report, total } from "./reading.ts";

async function downloadAll(url: string, count: number, slots: number): Promise<number[]> {
  const sizes: number[] = [];
  let next = 0;
  const slot = async () => {
    while (next++ < count) sizes.push(await fetchPage(url));
  };
  await Promise.all(Array.from({ length: slots }, slot));
  return sizes;
}

const [url = "", count = "1000", slots = "64", before = "0"] = Deno.args;
await downloadAll(url, Number(before), Number(slots));
const start = performance.now();
const sizes = await downloadAll(url, Number(count), Number(slots));
const ms = performance.now() - start;
report({ items: sizes.length, sum: total(sizes), ms });
