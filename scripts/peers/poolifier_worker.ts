/** Runs in poolifier's threads: the no-op task. */

import { POOLIFIER } from "./packages.ts";

const { ThreadWorker } = await import(POOLIFIER);

/** poolifier requires the worker to be the default export. */
export default new ThreadWorker((item: number) => item);
