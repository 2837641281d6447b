import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import fc from "../properties.ts";
import type { Batch, Blame } from "../../lib/dispatch/batch.ts";
import { checkOptions, type RetryOptions } from "../../lib/dispatch/map_options.ts";
import { outcomeAt, type Rejected } from "../../lib/dispatch/output.ts";
import { MOST_KILLS, Settler } from "../../lib/dispatch/settler.ts";
import type { QuarantinedItem } from "../../lib/lanes/lane.ts";
import {
  AbandonedError,
  CancelledError,
  CrashedError,
  TimeoutError,
} from "../../lib/lanes/errors.ts";
import type { AskReason, BatchProgress, Death, Forced } from "../../lib/lanes/lane.ts";
import { FakeLane } from "./fake_lane.ts";
import { type BatchOptions, FakeRun, openLane, sendTo } from "./fake_run.ts";

const DEATH: Death = { how: "was ended by SIGKILL", starting: false };
const run = new FakeRun("a", { timeoutMs: 300 });

/** A recovery, with the batches that it puts back, settles, and tries again. */
function recovering(rerun = true, retries: number | RetryOptions = 0) {
  const back: Batch[] = [];
  const settled: Rejected[] = [];
  const again: Batch[] = [];
  const quarantined: QuarantinedItem[] = [];
  const onQuarantined = (item: QuarantinedItem) => void quarantined.push(item);
  const recovery = new Settler({
    options: checkOptions({ retries, rerun }),
    mayRetry: true,
    retryLater: (batch) => void again.push(batch),
    putBack: (batch) => {
      if (batch.items.length > 0) back.push(batch);
    },
    onSettled: (one) => {
      for (let at = 0; at < one.count; at++) settled.push(outcomeAt(one, at) as Rejected);
    },
    fail: (error) => {
      throw error;
    },
  }, { graceMs: 100, onQuarantined });
  return { recovery, back, settled, again, quarantined };
}

/** A batch that was on a lane. */
function lost(items: number | readonly unknown[], more: BatchOptions & Partial<Batch> = {}): Batch {
  const { reported, sentCount, moved, ...history } = more;
  const list = typeof items === "number" ? new Array(items).fill("x") : items;
  const batch = sendTo(openLane(new FakeLane({}, 4)), run.batch(list, history));
  if (reported !== undefined) batch.reported = reported;
  if (sentCount !== undefined) batch.sentCount = sentCount;
  if (moved !== undefined) batch.moved = moved;
  return batch;
}

/** The indexes of the items put back, in the order in which they will go, with how often each started. */
function order(back: readonly Batch[]): [index: number, starts: number][] {
  return back.toReversed().flatMap(({ firstIndex, items, attempt }) =>
    items.map((_, at) => [firstIndex + at, attempt - 1] as [number, number])
  );
}

function ran(offset: number, fault: Blame["fault"]): Blame {
  return { at: { state: "running", offset, sinceMs: 7 }, fault };
}

const BLAMES: readonly Blame[] = [
  { at: { state: "waiting" }, fault: "none" },
  { at: { state: "waiting" }, fault: "perhaps" },
  { at: { state: "unknown" }, fault: "perhaps" },
  { at: { state: "unknown" }, fault: "none" },
  ran(2, "certain"),
  ran(2, "perhaps"),
  ran(2, "none"),
];

Deno.test("of a lost batch every unreported item is put back or settled once, in order, and its starts are counted", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...BLAMES),
      fc.integer({ min: 3, max: 8 }),
      fc.nat({ max: 2 }),
      fc.nat({ max: 5 }),
      fc.boolean(),
      fc.boolean(),
      (blame, length, reported, unsent, alone, rerun) => {
        const sentCount = Math.max(3, length - unsent);
        const { recovery, back, settled } = recovering(rerun);
        recovery.onLost(lost(length, { alone, reported, sentCount }), blame, DEATH);
        const { at: lane, fault } = blame;
        const ran = lane.state === "running"
          ? lane.offset + 1
          : lane.state === "unknown"
          ? sentCount
          : reported;
        const wanted: [number, number, string][] = [];
        for (let at = reported; at < length; at++) {
          const settles = at < ran && (!rerun || (fault === "certain" && at === 2));
          wanted.push([10 + at, at < ran ? 1 : 0, settles ? "crashed" : "again"]);
        }
        const all = [
          ...order(back).map(([index, starts]) => [index, starts, "again"] as const),
          ...settled.map(({ index, attempts, ended }) => [index, attempts, ended] as const),
        ];
        assertEquals(all.toSorted(([a], [b]) => a - b), wanted.map((one) => [...one] as const));
        assertEquals(order(back), order(back).toSorted(([a], [b]) => a - b));
      },
    ),
  );
});

Deno.test("innocents go again as they were; suspects alone; victims and what is to be run again together", () => {
  const cases: [Blame, [index: number, alone: boolean, reruns: number][]][] = [
    [{ at: { state: "waiting" }, fault: "none" }, [[11, false, 0], [14, false, 0]]],
    [{ at: { state: "waiting" }, fault: "perhaps" }, [[11, false, 0], [14, false, 0]]],
    [{ at: { state: "unknown" }, fault: "perhaps" }, [[11, true, 1], [14, false, 0]]],
    [{ at: { state: "unknown" }, fault: "none" }, [[11, false, 1], [14, false, 0]]],
    [ran(2, "perhaps"), [[11, false, 1], [12, true, 1], [13, false, 0]]],
    [ran(2, "none"), [[11, false, 1], [12, false, 1], [13, false, 0]]],
    [ran(2, "certain"), [[11, false, 1], [13, false, 0]]],
  ];
  for (const [blame, wanted] of cases) {
    const { recovery, back } = recovering();
    recovery.onLost(lost(5, { reported: 1, sentCount: 4 }), blame, DEATH);
    const parts = back.toReversed().map(({ firstIndex, history: { alone, reruns, kills } }) => {
      assertEquals(kills, 0);
      return [firstIndex, alone, reruns];
    });
    assertEquals(parts, wanted);
  }
});

Deno.test("a culprit has crashed; one that may be tried again has a kill on its record, and goes alone", () => {
  const blame = ran(1, "certain");
  const final = recovering();
  final.recovery.onLost(lost(3), blame, DEATH);
  assertEquals(
    final.settled.map(({ index, ended, startedAtMs, lane }) => [
      index,
      ended,
      startedAtMs,
      lane,
    ]),
    [[11, "crashed", 7, 4]],
  );
  const retried = recovering(true, 1);
  retried.recovery.onLost(lost(3), blame, DEATH);
  assertEquals(
    retried.again.map(({ firstIndex, attempt, alone, history: { kills } }) => [
      firstIndex,
      attempt,
      kills,
      alone,
    ]),
    [[11, 2, 1, true]],
  );
  assertEquals(retried.settled, []);
});

Deno.test("a task that killed its lane twice is quarantined, and may be tried again until then", () => {
  for (let kills = 0; kills < MOST_KILLS + 1; kills++) {
    const { recovery, settled, again } = recovering(true, 9);
    recovery.onLost(lost(1, { kills }), ran(0, "certain"), DEATH);
    const isOver = kills + 1 >= MOST_KILLS;
    assertEquals([settled.length, again.length], isOver ? [1, 0] : [0, 1]);
    if (!isOver) continue;
    const { message, retryable } = settled[0]!.reason as CrashedError;
    assertEquals(
      message,
      "Item 10 of a: lost its lane while its task ran: the lane was ended by SIGKILL; " +
        `it killed ${kills + 1} lanes and is quarantined`,
    );
    assertEquals(retryable, false);
  }
});

Deno.test("an item that ended two lanes is told, and so is one that lost two machines", () => {
  for (const [kills, death] of [[1, DEATH], [0, { ...DEATH, suspicion: "slight" }]] as const) {
    const { recovery, settled, quarantined } = recovering(true, 9);
    recovery.onLost(lost(["a"], { kills }), ran(0, "certain"), death);
    assertEquals(quarantined.map(({ index, item }) => [index, item]), [[10, "a"]]);
    assertEquals(settled[0]!.reason, quarantined[0]!.reason);
  }
  const { recovery, quarantined } = recovering(true, 9);
  recovery.onLost(lost(1), ran(0, "certain"), DEATH);
  assertEquals(quarantined, []);
});

Deno.test("a crash names the item, and what was thrown is its cause, even if that was undefined", () => {
  const crash = (death: Death) => {
    const { recovery, settled } = recovering();
    recovery.onLost(lost(1), ran(0, "certain"), death);
    return settled[0]!.reason as CrashedError;
  };
  const { message, retryable } = crash(DEATH);
  assertEquals(
    message,
    "Item 10 of a: lost its lane while its task ran: the lane was ended by SIGKILL",
  );
  assertEquals(retryable, true);
  const error = new TypeError("late");
  assert(crash({ ...DEATH, error }).cause === error);
  assert("cause" in crash({ ...DEATH, error: undefined }));
  assert(!("cause" in crash(DEATH)));
});

Deno.test("with rerun: false what may have run ends as crashed, and says why it isn't run again", () => {
  for (const blame of BLAMES) {
    const { recovery, back, settled } = recovering(false);
    recovery.onLost(lost(3), blame, { ...DEATH, error: "oom" });
    if (blame.at.state === "waiting") {
      assertEquals([order(back).length, settled], [3, []]);
      continue;
    }
    for (const { index, ended, reason } of settled) {
      assertEquals(ended, "crashed");
      assertInstanceOf(reason, CrashedError);
      assertEquals([reason.message.startsWith(`Item ${index} of a: lost its lane`), reason.cause], [
        true,
        "oom",
      ]);
      const isCulprit = blame.fault === "certain" && index === 12;
      assertEquals(reason.message.includes("it may have run, and rerun is false"), !isCulprit);
    }
    assertEquals(settled.length, 3);
  }
});

Deno.test("with rerun: false what may have run is tried again only as retries allow", () => {
  const { recovery, back, again, settled } = recovering(false, 1);
  recovery.onLost(lost(2), { at: { state: "unknown" }, fault: "perhaps" }, DEATH);
  assertEquals(
    again.map(({ firstIndex, history: { attempt, reruns } }) => [firstIndex, attempt, reruns]),
    [
      [10, 2, 0],
      [11, 2, 0],
    ],
  );
  assertEquals([back, settled], [[], []]);
});

Deno.test("an item whose buffers had moved to the lost lane can't run again", () => {
  const after = recovering();
  after.recovery.onLost(
    lost(1, { moved: true }),
    { at: { state: "unknown" }, fault: "perhaps" },
    DEATH,
  );
  const before = recovering();
  before.recovery.onLost(lost(3, { moved: true, sentCount: 1 }), {
    at: { state: "waiting" },
    fault: "none",
  }, DEATH);
  assertEquals([order(after.back), order(before.back)], [[], [[11, 0], [12, 0]]]);
  for (const { settled } of [after, before]) {
    assertEquals(settled.map(({ index, ended }) => [index, ended]), [[10, "crashed"]]);
    const { message } = settled[0]!.reason as Error;
    assert(/buffers(, which)? had moved there/.test(message), message);
  }
  assert((before.settled[0]!.reason as Error).message.includes("before its task could start"));
});

Deno.test("an item that loses lane after lane before it can start is not sent for ever", () => {
  let next: Batch | undefined = lost(1, { alone: true });
  let lanes = 0;
  for (; next !== undefined && lanes < 20; lanes++) {
    const { recovery, back, settled }: ReturnType<typeof recovering> = recovering();
    recovery.onLost(next, { at: { state: "waiting" }, fault: "perhaps" }, DEATH);
    next = back[0] && sendTo(openLane(new FakeLane()), back[0]);
    if (settled.length > 0) assertEquals(settled[0]!.ended, "crashed");
  }
  assert(lanes < 20, "after 20 lanes it goes on");
});

Deno.test("an item that lane after lane doesn't come to start is not sent for ever", () => {
  let next: Batch | undefined = lost(1, { alone: true });
  let lanes = 0;
  for (; next !== undefined && lanes < 20; lanes++) {
    next.nextSinceMs = 0;
    const { recovery, back }: ReturnType<typeof recovering> = recovering();
    recovery.onLost(next, { at: { state: "waiting" }, fault: "none" }, DEATH);
    next = back[0] && sendTo(openLane(new FakeLane()), back[0]);
  }
  assert(lanes < 20, "after 20 lanes it goes on");
});

Deno.test("an item whose lane is ended for another's sake loses nothing by it, however often", () => {
  let next = lost(1, { alone: true });
  for (let lanes = 0; lanes < 20; lanes++) {
    const { recovery, back, settled } = recovering();
    recovery.onLost(next, { at: { state: "waiting" }, fault: "none" }, DEATH);
    assertEquals(settled, []);
    next = sendTo(openLane(new FakeLane()), back[0]!);
  }
});

/** Stops a batch of four items by force while the third runs; the first was reported. */
function force(
  forced: Forced,
  why: AskReason,
  at: BatchProgress = { state: "running", offset: 2, sinceMs: 7 },
  { hadOthers = false, rerun = true } = {},
) {
  const parts = recovering(rerun);
  const batch = lost(4, { reported: 1 });
  batch.asked = { atMs: 0, why, offset: 2 };
  parts.recovery.onForced(batch, { at, forced, hadOthers }, "enough");
  return parts;
}

Deno.test("a task that was made to stop is settled by why it was asked to; the others go again", () => {
  const cases = [
    ["stopped", "timeout", "timed-out", TimeoutError],
    ["stopped", "cancel", "cancelled", CancelledError],
    ["goes on", "timeout", "timed-out", TimeoutError],
    ["goes on for now", "cancel", "cancelled", CancelledError],
    ["abandoned", "timeout", "abandoned", AbandonedError],
    ["abandoned", "cancel", "abandoned", AbandonedError],
  ] as const;
  for (const [forced, why, ended, Class] of cases) {
    const { settled, back } = force(forced, why);
    assertEquals(settled.map(({ index, ended, startedAtMs }) => [index, ended, startedAtMs]), [
      [12, ended, 7],
    ]);
    const { reason } = settled[0]!;
    assertInstanceOf(reason, Class);
    assertEquals(reason.cause, why === "cancel" ? "enough" : undefined);
    assertEquals(order(back), [[11, 1], [13, 0]]);
    assertEquals(back.map(({ alone }) => alone), [false, false]);
  }
});

Deno.test("it is told what became of a task that was made to stop, and no more than is known", () => {
  const cases: [Forced, AskReason, boolean, string][] = [
    ["goes on", "timeout", false, "is not waited for: its deadline of 300 ms passed, and its task"],
    ["goes on for now", "cancel", true, "its task goes on until the others on its lane have ended"],
    [
      "stopped",
      "cancel",
      false,
      "was stopped with its lane: it was cancelled, and 100 ms later it",
    ],
    ["stopped", "timeout", true, "and 100 ms later the lane had not answered"],
    [
      "abandoned",
      "timeout",
      false,
      "was abandoned: its deadline of 300 ms passed, and its task goes",
    ],
    [
      "abandoned",
      "cancel",
      true,
      "this task or another one there goes on where nothing can stop it",
    ],
  ];
  for (const [forced, why, hadOthers, says] of cases) {
    const { settled } = force(forced, why, undefined, { hadOthers });
    const { message } = settled[0]!.reason as Error;
    assertEquals([message.startsWith("Item 12 "), message.includes(says)], [true, true], message);
  }
});

Deno.test("a batch that was forced before anything of it started goes again as it was", () => {
  for (const at of [{ state: "waiting" }, { state: "loading", sinceMs: 0 }] as const) {
    const { settled, back } = force("stopped", "timeout", at);
    assertEquals([settled, order(back)], [[], [[11, 0], [12, 0], [13, 0]]]);
  }
});

Deno.test("with rerun: false what ended before a task that was made to stop isn't run again", () => {
  const { settled, back } = force("stopped", "timeout", undefined, { rerun: false });
  assertEquals(settled.map(({ index, ended }) => [index, ended]), [[12, "timed-out"], [
    11,
    "crashed",
  ]]);
  assertEquals(order(back), [[13, 0]]);
});

Deno.test("where a lane can't tell which item was made to stop, none counts as never started", () => {
  const { settled, back } = force("stopped", "cancel", { state: "unknown" });
  const starts = [
    ...settled.map(({ index, attempts }) => [index, attempts] as [number, number]),
    ...order(back),
  ];
  assertEquals(starts.toSorted(([a], [b]) => a - b), [[11, 1], [12, 1], [13, 1]]);
});
