/**
 * Our own models on downloads. Arguments: sequential|concurrent|limited|workers,
 * download|fetch (which task), address, downloads, lanes or slots, downloads before.
 */

import { concurrent, type Executor, limited, sequential, task, workers } from "../../lib/mod.ts";
import { report, total } from "./reading.ts";

const [model = "", kind = "download", url = "", count = "160", size = "1", before = "0"] =
  Deno.args;

function open(): Executor {
  if (model === "sequential") return sequential();
  if (model === "concurrent") return concurrent();
  if (model === "limited") return limited({ slots: Number(size) });
  return workers({ lanes: Number(size) });
}

const download = task<typeof import("../../lib/tasks/download.ts")>(
  new URL("../../lib/tasks/download.ts", import.meta.url),
);
const fetchPage = task<typeof import("./fetch_page.ts")>(
  new URL("./fetch_page.ts", import.meta.url),
);

async function downloadAll(executor: Executor, items: number): Promise<number[]> {
  const urls = Array<string>(items).fill(url);
  if (kind === "fetch") return await executor.map(fetchPage, urls).toArray();
  const pages = await executor.map(download, urls).toArray();
  return pages.map(({ bytes }) => bytes);
}

await using executor = open();
await executor.ready(kind === "fetch" ? fetchPage : download);
await downloadAll(executor, Number(before));
const start = performance.now();
const sizes = await downloadAll(executor, Number(count));
const ms = performance.now() - start;
report({ items: sizes.length, sum: total(sizes), ms });
