/** Downloads from the test site with every fault it can produce, under every model. */

import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import {
  auto,
  concurrent,
  type Executor,
  limited,
  processes,
  sequential,
  workers,
} from "../../lib/mod.ts";
import { task } from "../../lib/lanes/task.ts";
import { startSite } from "../../lib/site/start.ts";
import { MAY_RUN } from "./programs/run_program.ts";
import { withDeadline } from "../with_deadline.ts";

const download = task<typeof import("../../lib/tasks/download.ts")>(
  new URL("../../lib/tasks/download.ts", import.meta.url),
);

/** How each of the site's faults ends: as a failure, or as a missed deadline. */
const FAULTS = {
  "stall-headers": "timed-out",
  "stall-body": "timed-out",
  "drip": "timed-out",
  "reset": "failed",
  "truncated": "failed",
  "status/500": "failed",
} as const;

const OPEN: Record<string, () => Executor> = {
  sequential,
  concurrent,
  limited: () => limited({ slots: 3 }),
  auto: () => auto(),
  workers: () => workers({ lanes: 2, slots: 4 }),
  processes: () => processes({ lanes: 2, slots: 4, permissions: { net: ["127.0.0.1"] } }),
};

for (const [model, open] of Object.entries(OPEN)) {
  Deno.test({
    name: `${model}: stalled, slow, reset and truncated answers each harm only their own item`,
    ignore: !MAY_RUN,
    fn: () =>
      withDeadline(400, async (timeoutMs) => {
        await using site = await startSite({ latencyMs: 0 });
        await using executor = open();
        const items = Object.keys(FAULTS).flatMap((fault) => [
          `${site.url}/page/1`,
          `${site.url}/fault/${fault}`,
        ]);
        const outcomes = await executor.mapSettled(download, items, { timeoutMs, chunk: 1 })
          .toArray();
        assertEquals(
          outcomes.map((o) => o.status === "fulfilled" ? "fulfilled" : o.ended),
          Object.values(FAULTS).flatMap((ended) => ["fulfilled", ended]),
        );
      }),
  });

  Deno.test({
    name: `${model}: a pause that the site asks for with 429 is never shortened`,
    ignore: !MAY_RUN,
    async fn() {
      await using site = await startSite({ latencyMs: 0 });
      await using executor = open();
      const asked: number[] = [];
      const beganMs = performance.now();
      const [outcome] = await executor.mapSettled(download, [`${site.url}/fault/retry-after/1`], {
        retries: {
          limit: 1,
          baseMs: 0,
          retryIf({ reason }) {
            asked.push((reason as { retryAfterMs: number }).retryAfterMs);
            return true;
          },
        },
      }).toArray();
      assert(outcome!.status === "rejected" && outcome!.ended === "failed");
      assertEquals(outcome!.attempts, 2);
      assertEquals(asked, [1000]);
      // The lane's own times are only as exact as its messages are fast.
      assertGreaterOrEqual(performance.now() - beganMs, 1000);
    },
  });
}
