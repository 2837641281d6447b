/** Plans on which the fuzzer once found a fault; each is played in every test run. */

import type { Does } from "./fuzz_task.ts";
import type { Plan } from "./fuzz.ts";

function items(
  ...does: (Does | "waits, large" | "returns, large")[]
): Plan["runs"][number]["items"] {
  return does.map((words) => ({
    does: words.split(",")[0] as Does,
    large: words.endsWith("large"),
  }));
}

const PLAIN: Plan["runs"][number] = {
  items: [],
  how: "mapSettled",
  input: "array",
  failsAt: Infinity,
  abortAt: Infinity,
  leaveAt: Infinity,
  order: "input",
  chunk: "auto",
  buffer: "auto",
  retries: 0,
  rerun: true,
  rate: undefined,
  perKey: undefined,
  transfer: false,
  hasDeadline: false,
};

/** No lane is replaced, and nothing pauses. */
const STEADY = { tasksPerLane: Infinity, idleMs: Infinity, pauseAfterMs: Infinity };

export const found: readonly Plan[] = [
  // A run that failed while a lane was kept free for its suspect task blocked the other run for ever.
  {
    model: "workers",
    lanes: 1,
    slots: 1,
    runs: [
      {
        ...PLAIN,
        how: "map",
        chunk: 8,
        retries: 1,
        rerun: false,
        transfer: true,
        items: items(
          "exits",
          "returns",
          "waits",
          "throws",
          "waits, large",
          ...new Array<Does>(5).fill("returns"),
        ),
      },
      {
        ...PLAIN,
        chunk: 7,
        buffer: 6,
        retries: 1,
        transfer: true,
        items: items("waits", "returns, large", ...new Array<Does>(8).fill("waits")),
      },
    ],
    closeAfterMs: Infinity,
    ...STEADY,
  },
];
