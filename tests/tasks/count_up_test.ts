import { assert, assertEquals, assertThrows } from "@std/assert";
import { atomic, CELLS, plain } from "../../lib/tasks/count_up.ts";
import { contextOf } from "./context.ts";

/** Runs a function with a clock that advances by 1 ms at each reading. */
function withClock<T>(fn: () => T): T {
  const real = performance.now;
  let ms = 10_000;
  performance.now = () => ms++;
  try {
    return fn();
  } finally {
    performance.now = real;
  }
}

function cellsWith(values: Partial<Record<keyof typeof CELLS, number>>) {
  const memory = new SharedArrayBuffer(CELLS.length * Int32Array.BYTES_PER_ELEMENT);
  const cells = new Int32Array(memory);
  for (const [name, value] of Object.entries(values)) {
    cells[CELLS[name as keyof typeof CELLS]] = value;
  }
  return { memory, cells };
}

for (const count of [plain, atomic]) {
  Deno.test(`${count.name}() counts every update where both may begin, and measures counting alone`, () => {
    // The other thread came first, and has started all ten bursts.
    const { memory, cells } = cellsWith({ arrived: 1, burst: 10 });
    const ms = withClock(() => count({ memory, times: 37 }, contextOf()));
    assertEquals([cells[CELLS.counter], cells[CELLS.arrived]], [37, 2]);
    assertEquals(ms, 10, "a millisecond for each burst");
  });

  Deno.test(`${count.name}() waits five seconds for the other, and no longer`, () => {
    const { memory, cells } = cellsWith({});
    const context = contextOf();
    withClock(() =>
      assertThrows(() => count({ memory, times: 1 }, context), Error, "didn't come in time")
    );
    assert(Math.abs(context.looks - 5_000) < 5, `${context.looks} looks`);
    assertEquals([cells[CELLS.question], cells[CELLS.counter]], [1, 0]);
  });
}

Deno.test("plain() tries for a quarter of a second in all to meet the other at once, then once for each burst", () => {
  const { memory, cells } = cellsWith({});
  let looks = 0;
  // The other thread always answers late.
  const cancelled = () => {
    if (++looks % 3 === 0) cells[CELLS.answer] = cells[CELLS.question]!;
    return false;
  };
  withClock(() => plain({ memory, times: 10 }, Object.assign(contextOf(), { cancelled })));
  const { [CELLS.question]: questions, [CELLS.counter]: count } = cells;
  assert(questions! > 20 && questions! < 100, `${questions} questions`);
  assertEquals(count, 10);
});

Deno.test("plain() leaves when it is asked to, while it waits", () => {
  const { memory } = cellsWith({});
  assertThrows(() => plain({ memory, times: 1 }, contextOf({ cancelAfter: 3 })), DOMException);
});
