import { assert, assertEquals } from "@std/assert";
import { runOpenLoop } from "../../lib/scaling/open_loop.ts";
import { type Site, startSite } from "../../lib/site/start.ts";
import type { DownloadItem } from "../../lib/tasks/download.ts";
import type { JobSpec } from "../../lib/timing/spec.ts";
import { granted } from "../granted.ts";
import { withDeadline } from "../with_deadline.ts";

const ignore = !granted("run", "read", "net");

/** How long one request stalls, in milliseconds: the site never answers it, and its client gives up. */
const STALL_MS = 400;
/** How many requests fall due meanwhile. */
const DUE = 40;

function downloads(site: Site, values: readonly DownloadItem[]): JobSpec {
  const module = new URL("../../lib/tasks/download.ts", import.meta.url).href;
  return {
    name: "downloads",
    task: { module, export: "default" },
    items: { kind: "values", values },
    permissions: { net: site.hosts },
    options: {},
  };
}

Deno.test({
  name:
    "one answer that stalls is in the corrected p99 of all behind it, and hidden from the naive one",
  ignore,
  fn: () =>
    withDeadline(STALL_MS, async (stallMs) => {
      await using site = await startSite({ latencyMs: 1 });
      const rate = DUE * 1000 / stallMs;
      const count = 5 * DUE;
      const pages = site.urls(Math.ceil(count / 2)).slice(0, count);
      // The stalled request is in the middle of the schedule.
      const stalls = `${new URL(pages[0]!).origin}/fault/stall-headers`;
      const values = pages.map((url, i) =>
        i === count / 2 ? { url: stalls, timeoutMs: stallMs } : { url, timeoutMs: 30_000 }
      );
      const { points } = await runOpenLoop({
        model: "limited",
        slots: 1,
        job: downloads(site, values),
        rates: [rate],
        rounds: 1,
        seed: 1,
        durationMs: 5 * stallMs,
        drainMs: 12.5 * stallMs,
        warmup: 4,
      });
      const [{ naive, corrected, scheduled, succeeded, failed, mostWaiting, reasons }] = points as [
        typeof points[0] & object,
      ];
      assertEquals([scheduled, succeeded, failed], [count, count - 1, 1], JSON.stringify(reasons));
      // The only slot was taken, so requests that fell due meanwhile waited for the rest of the stall.
      assert(mostWaiting >= DUE - 2, `${mostWaiting} waited`);
      assert(corrected.p99 >= 0.9 * stallMs, `corrected p99 ${corrected.p99} ms`);
      assert(corrected.p95 >= 0.7 * stallMs, `corrected p95 ${corrected.p95} ms`);
      // Measured from its start, only one request in 200 was slow, whatever waited behind it.
      assert(naive.p99 < 0.5 * stallMs, `naive p99 ${naive.p99} ms`);
      assert(naive.max >= stallMs * 0.99, `naive max ${naive.max} ms`);
    }, 10),
});

Deno.test({
  name: "with slots to spare one answer that stalls holds nobody up, and both p99 say so",
  ignore,
  async fn() {
    await using site = await startSite({ latencyMs: 1 });
    const pages = site.urls(30).slice(0, 59);
    const stalls = `${new URL(pages[0]!).origin}/fault/stall-headers`;
    const values = pages.map((url) => ({ url, timeoutMs: 30_000 }));
    // The stall is longer than any delay of a busy machine.
    const stallMs = 10 * STALL_MS;
    values.splice(30, 0, { url: stalls, timeoutMs: stallMs });
    const { points } = await runOpenLoop({
      model: "limited",
      slots: 50,
      job: downloads(site, values),
      rates: [100],
      rounds: 1,
      seed: 1,
      durationMs: 600,
      drainMs: 5_000,
      warmup: 4,
    });
    const { corrected, failed } = points[0]!;
    assertEquals(failed, 1);
    assert(corrected.p95 < 0.9 * stallMs, `corrected p95 ${corrected.p95} ms`);
  },
});
