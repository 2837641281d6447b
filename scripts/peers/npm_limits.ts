/**
 * Measures the packages on npm that limit concurrency, with functions that wait for the event loop's next turn.
 * Arguments: package, items, slots.
 */

import * as packages from "./packages.ts";
import { numbers, peakRssBytes, reading, report } from "./reading.ts";
import { turn } from "./tasks.ts";

type MapAll = (items: readonly number[]) => Promise<unknown[]>;

const LIMITS: Readonly<Record<string, (slots: number) => Promise<MapAll>>> = {
  async "p-limit"(slots) {
    const { default: pLimit } = await import(packages.P_LIMIT);
    const limit = pLimit(slots);
    return (items) => Promise.all(items.map((item) => limit(turn, item)));
  },
  async "p-map"(concurrency) {
    const { default: pMap } = await import(packages.P_MAP);
    return (items) => pMap(items, turn, { concurrency });
  },
  async "p-queue"(concurrency) {
    const { default: PQueue } = await import(packages.P_QUEUE);
    const queue = new PQueue({ concurrency });
    return (items) => queue.addAll(items.map((item) => () => turn(item)));
  },
};

const [name = "", items = "1000", slots = "1"] = Deno.args;
const mapAll = await LIMITS[name]!(Number(slots));
await mapAll(numbers(Number(items) / 10));
const input = numbers(Number(items));
report({ ...await reading(() => mapAll(input)), peakRssBytes: peakRssBytes() });
