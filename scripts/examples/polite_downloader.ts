/**
 * Downloads 60 pages from the test site, which takes 20 ms to answer: the task waits, so slots pay.
 *
 * Run it with `--allow-net=127.0.0.1 --allow-run`; the site is a separate process.
 */

import type { TaskContext } from "../../lib/lanes/task.ts";
import { type Site, startSite } from "../../lib/site/start.ts";
import download from "../../lib/tasks/download.ts";

/** The job's name in reports. */
export const title = "download 60 pages";

let site: Site | undefined;

/** Starts the site, which stops when it is disposed. */
export async function prepare(): Promise<Site> {
  return site = await startSite({ latencyMs: 20 });
}

/** The addresses of the pages; this is a generator because they are known only once the site runs. */
export async function* items(): AsyncGenerator<string> {
  yield* site?.urls(30) ?? [];
}

/** Downloads a page, and counts its bytes. */
export default async function size(url: string, context: TaskContext): Promise<number> {
  return (await download({ url }, context)).bytes;
}
