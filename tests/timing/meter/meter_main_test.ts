import { assertEquals } from "@std/assert";
import {
  coreTimes,
  familyCpuMs,
  leastLimit,
  memoryOf,
  processTimes,
  quotaOf,
  threadTimes,
} from "../../../lib/timing/meter/meter_main.ts";

/** A line as Linux 6.18 wrote it. */
const STAT = "15784 (cat) R 15779 15779 4817 0 -1 4194304 101 0 0 0 3 4 50 60 20 0 1 0 1223419 " +
  "3133440 382 18446744073709551615 94551459180544 94551459200425 140722072080448 0 0 0 0 0 0 0 0 0 " +
  "17 0 0 0 0 0 0 94551459216432 94551459218048 94551678472192 140722072083169 140722072083189 " +
  "140722072083189 140722072084459 0\n";

Deno.test("processTimes() reads a process's times and those of its ended children", () => {
  assertEquals(processTimes(STAT), { parent: 15779, cpuMs: 70, childrenCpuMs: 1100 });
});

Deno.test("processTimes() isn't misled by what a program is called", () => {
  const named = STAT.replace("(cat)", "(a) R 1 (b) 2)");
  assertEquals(processTimes(named), processTimes(STAT));
});

Deno.test("processTimes() takes no other text", () => {
  for (const text of ["", "no such file", "1 (x) R 1 2", STAT.replace(" 3 4 ", " x 4 ")]) {
    assertEquals(processTimes(text), undefined, text);
  }
});

Deno.test("threadTimes() reads running and queueing", () => {
  assertEquals(threadTimes("21721237 16399500 17\n"), { runMs: 21.721237, queuedMs: 16.3995 });
  assertEquals(threadTimes("0 0 0\n"), { runMs: 0, queuedMs: 0 });
  for (const text of ["", "1 2", "a b c", "1 2 3 4"]) assertEquals(threadTimes(text), undefined);
});

Deno.test("coreTimes() counts cores and what they did, disks' waits and guests left out", () => {
  const text = "cpu  843500 802 152620 1438279 1035 5 625 154 99 0\n" +
    "cpu0 421963 462 76456 719157 203 0 250 70 0 0\n" +
    "cpu1 421537 340 76164 719122 831 0 374 83 0 0\nintr 12 0\nctxt 34\n";
  assertEquals(coreTimes(text), {
    cores: 2,
    busyMs: 10 * (843500 + 802 + 152620 + 5 + 625 + 154),
  });
});

Deno.test("coreTimes() reads an old kernel's four columns, and takes no other text", () => {
  assertEquals(coreTimes("cpu  1 2 3 4\ncpu0 1 2 3 4\n"), { cores: 1, busyMs: 60 });
  for (const text of ["", "cpu  x\ncpu0 1", "cpu  1 2 3 4\n"]) {
    assertEquals(coreTimes(text), undefined);
  }
});

Deno.test("quotaOf() reads a quota, and takes none for no limit", () => {
  assertEquals(
    ["200000 100000", "50000 100000\n"].map(quotaOf),
    [2, 0.5],
  );
});

Deno.test("quotaOf() knows no quota of nothing, and none in other texts", () => {
  for (const text of ["max 100000", "-1 100000", "0 100000", "100000 0", "", "x y", " "]) {
    assertEquals(quotaOf(text), undefined, text);
  }
});

Deno.test("memoryOf() reads a limit, and knows none of other texts", () => {
  assertEquals(memoryOf("419430400"), 419_430_400);
  for (const text of ["max", "", "-1"]) {
    assertEquals(memoryOf(text), undefined, text);
  }
});

Deno.test("leastLimit() asks a group and those around it, and takes the tightest", () => {
  const limits: Record<string, number> = { "/a": 1.5, "/a/b/c": 4 };
  const asked: string[] = [];
  const least = leastLimit("/a/b/c", (folder) => {
    asked.push(folder);
    return limits[folder];
  });
  assertEquals([least, asked], [1.5, ["", "/a", "/a/b", "/a/b/c"]]);
  assertEquals(leastLimit("/", () => undefined), undefined);
});

Deno.test("familyCpuMs() adds a process, its children and theirs, and nobody else's", () => {
  const of = (parent: number, cpuMs: number, childrenCpuMs = 0) => ({
    parent,
    cpuMs,
    childrenCpuMs,
  });
  const times = new Map([
    [1, of(0, 1000)],
    [10, of(1, 1, 100)],
    [11, of(10, 10)],
    [12, of(11, 20)],
    [20, of(1, 5000)],
  ]);
  assertEquals(familyCpuMs(10, times), 131);
  assertEquals(familyCpuMs(99, times), 0);
  assertEquals(familyCpuMs(10, times, new Set([11])), 101, "a server that ran before, and its own");
});

Deno.test("familyCpuMs() ends though two readings make a circle", () => {
  const times = new Map([
    [1, { parent: 2, cpuMs: 1, childrenCpuMs: 0 }],
    [2, { parent: 1, cpuMs: 2, childrenCpuMs: 0 }],
  ]);
  assertEquals(familyCpuMs(1, times), 3);
});
