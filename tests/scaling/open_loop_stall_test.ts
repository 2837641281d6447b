import { assert, assertEquals } from "@std/assert";
import { runOpenLoop } from "../../lib/scaling/open_loop.ts";
import { type Site, startSite } from "../../lib/site/start.ts";
import type { DownloadItem } from "../../lib/tasks/download.ts";
import type { JobSpec } from "../../lib/timing/spec.ts";
import { granted } from "../granted.ts";

const ignore = !granted("run", "read", "net");

/** How long one request stalls, in milliseconds: the site never answers it, and its client gives up. */
const STALL_MS = 400;
const RATE = 100;
const DURATION_MS = 2_000;

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
  async fn() {
    await using site = await startSite({ latencyMs: 1 });
    const count = RATE * DURATION_MS / 1000;
    const pages = site.urls(Math.ceil(count / 2)).slice(0, count);
    // The stalled request is in the middle of the schedule.
    const stalls = `${new URL(pages[0]!).origin}/fault/stall-headers`;
    const values = pages.map((url, i) =>
      i === count / 2 ? { url: stalls, timeoutMs: STALL_MS } : { url, timeoutMs: 30_000 }
    );
    const { points } = await runOpenLoop({
      model: "limited",
      slots: 1,
      job: downloads(site, values),
      rates: [RATE],
      rounds: 1,
      seed: 1,
      durationMs: DURATION_MS,
      drainMs: 5_000,
      warmup: 4,
    });
    const [{ naive, corrected, scheduled, succeeded, failed, mostWaiting, reasons }] = points as [
      typeof points[0] & object,
    ];
    assertEquals([scheduled, succeeded, failed], [count, count - 1, 1], JSON.stringify(reasons));
    // The only slot was taken, so requests that fell due meanwhile waited for the rest of the stall.
    const due = STALL_MS / 1000 * RATE;
    assert(mostWaiting >= due - 2, `${mostWaiting} waited`);
    assert(corrected.p99 >= 0.9 * STALL_MS, `corrected p99 ${corrected.p99} ms`);
    assert(corrected.p95 >= 0.7 * STALL_MS, `corrected p95 ${corrected.p95} ms`);
    // Measured from its start, only one request in 200 was slow, whatever waited behind it.
    assert(naive.p99 < 0.5 * STALL_MS, `naive p99 ${naive.p99} ms`);
    assert(naive.max >= STALL_MS * 0.99, `naive max ${naive.max} ms`);
  },
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
      rates: [RATE],
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
