import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { faultsOf } from "../../lib/advice/compose_advice.ts";
import { recommendationLines } from "../../lib/report/advice/advice_words.ts";
import { adviceOn, asPredicted } from "./advice_on.ts";
import { probedOf } from "./fixture.ts";

const WAITING = { waitMs: 20 };
const busy = (more: { retryAfterMs?: number } = {}) => [
  { reason: "Error", count: 60, index: 20, message: "busy", status: 503, ...more },
];

/** Advice on tasks whose server serves only one at a time. */
const refusing = () =>
  adviceOn(
    WAITING,
    ({ model, retries }, items, runMs) =>
      model === "sequential" || retries !== undefined
        ? { runMs }
        : { runMs, failed: 60, succeeded: items - 60, failures: busy() },
  );

Deno.test("faultsOf() names items that failed under a model, though none failed one by one", async () => {
  const faults = faultsOf(await refusing(), { probed: probedOf(WAITING) });
  assertEquals(faults.length, 1);
  assertMatch(
    faults[0]!,
    /^60 of \d+ items failed with \d+ tasks in flight \(.*\); see the hazards$/,
  );
});

Deno.test("faultsOf() finds none where all went well, and names what failed, hung or differed", async () => {
  const well = await adviceOn(WAITING, asPredicted);
  const probed = probedOf(WAITING);
  assertEquals(faultsOf(well, { probed }), []);
  const cutOff = "item 7 did not settle within 1.0 s";
  assertStringIncludes(faultsOf(well, { probed: { ...probed, cutOff } })[0]!, cutOff);
  const failing = { ...WAITING, refused: { count: 9, status: 500 } };
  const failed = await adviceOn(failing, asPredicted);
  assertMatch(
    faultsOf(failed, { probed: probedOf(failing) })[0]!,
    /^9 of 100 items failed, item 3 with HTTP 500: refused$/,
  );
  const order = await adviceOn(WAITING, asPredicted, {}, true);
  assertMatch(faultsOf(order, { probed })[0]!, /order/);
});

Deno.test("the code goes on behind items that fail, if any was seen to", async () => {
  const well = await adviceOn(WAITING, asPredicted);
  assertStringIncludes(well.code, "executor.map(");
  const failing = await adviceOn({ ...WAITING, refused: { count: 9, status: 500 } }, asPredicted);
  assertStringIncludes(failing.code, "executor.mapSettled(work, job.items)");
  // Items that fail by chance may fail in the race only.
  const now = await adviceOn(WAITING, ({ model, round }, items, runMs) => ({
    runMs,
    ...(model === "sequential" && round === 0 && { failed: 2, succeeded: items - 2 }),
    ...(model !== "sequential" && { failed: 50, succeeded: items - 50 }),
  }));
  assertEquals(now.recommended.model, "sequential");
  assertStringIncludes(now.code, "executor.mapSettled(work, job.items)");
});

Deno.test("retries are promised no wait that no server asked for", async () => {
  const advice = await refusing();
  assertStringIncludes(advice.code, "mapSettled(work, job.items, { retries: 5 })");
  const lines = recommendationLines(advice);
  assert(lines.some((line) => line.startsWith("Retries: 5, after waits that grow;")), lines.join());
  const hazard = advice.hazards.find(({ kind }) => kind === "refused")!;
  assertStringIncludes(hazard.text, "none of them one by one");
  const limit = { ...WAITING, refused: { count: 40, status: 429 } };
  const limited = await adviceOn(limit, () => ({ runMs: 4000, pacePerSecond: 20 }));
  assertStringIncludes(limited.hazards[0]!.text, "tells no wait");
});

Deno.test("what a server's status refuses to many at once is tried again, whatever it says", async () => {
  for (const status of [403, 423]) {
    const failures = [{ reason: `HTTP ${status}`, count: 60, index: 20, message: "", status }];
    const { code, recommended } = await adviceOn(
      WAITING,
      ({ model, slots = Infinity }, items, runMs) =>
        model === "limited" && slots <= 4 ? { runMs } : {
          runMs,
          ...(model !== "sequential" && { failed: 60, succeeded: items - 60, failures }),
        },
    );
    assertEquals([recommended.model, recommended.slots], ["limited", 4]);
    assertStringIncludes(code, "mapSettled(work, job.items, { retries: 5 })");
  }
});
