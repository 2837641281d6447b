/** Runs in workerpool's threads: the no-op task. */

import { WORKERPOOL } from "./packages.ts";

const { default: workerpool } = await import(WORKERPOOL);

workerpool.worker({ noop: (item: number) => item });
