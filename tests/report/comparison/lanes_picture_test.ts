import { assert, assertEquals } from "@std/assert";
import fc from "../../properties.ts";
import stringWidth from "fast-string-width";
import { ONE } from "../../../lib/adaptive/watch.ts";
import { drawPanel, renderLanes, type Sign } from "../../../lib/report/comparison/lanes_picture.ts";
import type { Timeline } from "../../../lib/timing/result.ts";
import { cpuComparison, type FixtureModel, ioComparison, timelineOf } from "../fixture.ts";

for (const columns of [80, 120]) {
  for (const colour of [false, true]) {
    const how = `${columns} columns ${colour ? "with" : "without"} colour`;

    Deno.test(`the lanes of downloads at ${how}`, async (t) => {
      await t.assertSnapshot(renderLanes(ioComparison(), { columns, colour }));
    });

    Deno.test(`the lanes of computing at ${how}`, async (t) => {
      await t.assertSnapshot(renderLanes(cpuComparison(), { columns, colour }));
    });
  }
}

Deno.test("no line of the picture is wider than asked", () => {
  for (const columns of [40, 60, 80, 100, 160]) {
    for (const comparison of [ioComparison(), cpuComparison()]) {
      for (const line of renderLanes(comparison, { columns, colour: true }).split("\n")) {
        assert(stringWidth(line) <= columns, `${columns}: ${line}`);
      }
    }
  }
});

Deno.test("an axis without room for its middle has its end alone", () => {
  const comparison = ioComparison();
  const models = comparison.models.map((model) => ({
    ...model,
    timeline: { ...model.timeline!, endedMs: model.timeline!.endedMs.map((ms) => ms * 5e5) },
  }));
  const axis = (columns: number) =>
    renderLanes({ ...comparison, models }, { columns, colour: false }).split("\n")[0]!;
  const axes = [40, 44, 80].map(axis);
  assertEquals(axes.map((line) => stringWidth(line)), [40, 44, 80]);
  assertEquals(axes.map((line) => line.includes("┼")), [false, false, true]);
});

Deno.test("a panel with an axis of its own says how far it is zoomed", () => {
  const text = renderLanes(ioComparison(), { columns: 80, colour: false });
  assert(/concurrent .* zoomed 14\d×/.test(text), text);
  assert(!/sequential .* zoomed/.test(text));
  const narrow = renderLanes(ioComparison(), { columns: 40, colour: false });
  assert(/1 lane × all slots,\s+\S+\s+ms; zoomed/.test(narrow), narrow);
});

Deno.test("models without a timeline are left out", () => {
  const comparison = ioComparison();
  const models = comparison.models.map((model) => ({ ...model, timeline: undefined }));
  assertEquals(renderLanes({ ...comparison, models }, { columns: 80, colour: false }), "");
});

const style = { columns: 80, colour: false };
const MODEL: FixtureModel = {
  model: "limited",
  lanes: 1,
  slots: 4,
  used: 4,
  startMs: 0,
  taskMs: 10,
  cpuShare: 0.5,
  peakRssBytes: 1,
};

function draw(timeline: Timeline, startMs: number, axisMs: number, cells = 40) {
  const drawn = new Set<Sign>();
  const rows = drawPanel(timeline, startMs, { cells, axisMs, endMs: axisMs, style, drawn });
  return { rows, drawn };
}

Deno.test("a lane computes in one of its slots at a time, as often as its share says", () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (cpuShare) => {
    // Tasks fill one cell each, so no numbers are written into them.
    const timeline = timelineOf({ ...MODEL, cpuShare, taskMs: 2 }, 320);
    const { rows } = draw(timeline, 0, 200, 100);
    assertEquals(rows.length, 4);
    let computing = 0;
    let busy = 0;
    for (let cell = 0; cell < 100; cell++) {
      const column = rows.map(({ row }) => row[cell]);
      const here = column.filter((sign) => sign === "█").length;
      assert(here <= 1, `column ${cell}: ${column.join("")}`);
      computing += here;
      if (column.some((sign) => sign === "█" || sign === "░")) busy += 1;
    }
    assert(Math.abs(computing - cpuShare * busy) <= 2, `${computing} of ${busy} for ${cpuShare}`);
  }));
});

Deno.test("lanes that compute all the time are drawn so together", () => {
  const timeline = timelineOf({ ...MODEL, lanes: 2, used: 1, cpuShare: 1 }, 40);
  const { rows, drawn } = draw(timeline, 0, 200);
  assertEquals(rows.map(({ label }) => label), ["lane 0", "lane 1"]);
  for (const { row } of rows) assert(/^█{38,40}·?·?$/.test(row), row);
  assert(drawn.has("computing"));
  assert(!drawn.has("waiting"));
});

Deno.test("a lane's start-up comes before its tasks, and both before idle time", () => {
  const timeline = timelineOf({ ...MODEL, used: 1, cpuShare: 0, startMs: 10, taskMs: 20 }, 1);
  const { rows } = draw(timeline, 10, 40);
  assertEquals(rows[0]?.row, "-".repeat(10) + "0" + "░".repeat(19) + "·".repeat(10));
});

Deno.test("what was decided stands above the lanes, in as many words as there is room for", () => {
  const timeline = timelineOf({ ...MODEL, used: 1, taskMs: 20 }, 1);
  const figures = { busyShare: 0.1, latencyMs: null, perSecond: 120, refused: 0 };
  const decision = (atMs: number, from: number, to: number) => (
    {
      atMs,
      from: { ...ONE, slots: from },
      to: { ...ONE, slots: to },
      why: "waits" as const,
      figures,
    }
  );
  const decisions = [
    decision(0, 1, 4),
    decision(0.5, 4, 8),
    decision(10, 8, 16),
    decision(12, 16, 1),
  ];
  const rows = (cells: number) => draw({ ...timeline, decisions }, 0, 40, cells).rows;
  const [decided, lane] = rows(80);
  assertEquals([decided?.label, lane?.label], ["decided", "lane 0"]);
  assertEquals(decided?.row, `││8 slots${" ".repeat(11)}│   │slots 16 → 1: tasks wait`);
  assertEquals(rows(40)[0]?.row, "│8 slots  │ │slots 16 → 1: tasks wait");
  assertEquals(rows(4)[0]?.row, "││");
});

Deno.test("160 slots are drawn as 8 rows that say which", () => {
  const { rows } = draw(timelineOf({ ...MODEL, used: 160, slots: null }, 160), 0, 12);
  assertEquals(rows.length, 8);
  assertEquals(rows[0]?.label, "lane 0 0–19");
  assertEquals(rows[7]?.label.trim(), "140–159");
});

Deno.test("lanes of many slots share the rows evenly", () => {
  const { rows } = draw(timelineOf({ ...MODEL, lanes: 2, used: 8 }, 16), 0, 12);
  assertEquals(rows.map(({ label }) => label.trim()), [
    ...["lane 0 0–1", "2–3", "4–5", "6–7"],
    ...["lane 1 0–1", "2–3", "4–5", "6–7"],
  ]);
});

Deno.test("lanes beyond the eighth are counted, not drawn", () => {
  const { rows } = draw(timelineOf({ ...MODEL, lanes: 12, used: 1 }, 12), 0, 12);
  assertEquals(rows.length, 9);
  assertEquals(rows[8]?.row, "and 4 more lanes, not shown");
});

Deno.test("a share that isn't known is drawn as in flight, not as waiting", () => {
  const { rows, drawn } = draw(timelineOf({ ...MODEL, cpuShare: null }, 64), 0, 200);
  assert(rows.every(({ row }) => !/[█░]/.test(row)));
  assert(drawn.has("unknown"));
});

Deno.test("a failed task is marked where it ended", () => {
  const timeline = timelineOf({ ...MODEL, used: 1, cpuShare: 0, taskMs: 20 }, 1);
  const { rows } = draw({ ...timeline, status: ["timed-out"] }, 0, 40);
  assertEquals(rows[0]?.row, "0" + "░".repeat(18) + "x" + "·".repeat(20));
});

Deno.test("tasks that never started leave no mark", () => {
  const timeline = timelineOf({ ...MODEL, used: 1 }, 1);
  const { rows } = draw({ ...timeline, lane: [-1], startedMs: [NaN] }, 0, 40);
  assertEquals(rows.map(({ row }) => row), ["·".repeat(40)]);
});

Deno.test("a short task between idle times is seen", () => {
  const timeline = timelineOf({ ...MODEL, used: 1, taskMs: 0.5, cpuShare: 0 }, 1);
  const drawnAt = (from: number, to: number) =>
    [...draw({ ...timeline, startedMs: [from], endedMs: [to] }, 0, 40).rows[0]!.row].indexOf("░");
  assertEquals(drawnAt(10.2, 10.5), 10);
  assertEquals(drawnAt(39.6, 40), 39);
  assertEquals(drawnAt(10.2, 10.25), -1, "too short");
});
