import { assertEquals, assertThrows } from "@std/assert";
import { whoseTurn } from "../../lib/switching/whose_turn.ts";
import { atomic, CELLS, plain } from "../../lib/tasks/count_up.ts";
import { granted } from "../granted.ts";
import { contextOf } from "../tasks/context.ts";

Deno.test({
  name:
    "counting up loses nothing the safe ways, half with an await between, and a race never gains",
  ignore: !granted("read"),
  async fn() {
    const { rows, updates } = await whoseTurn(new AbortController().signal, 20_000, 2);
    const lost = Object.fromEntries(rows.map((row) => [row.way, row.lost]));
    assertEquals(lost["threads, atomic"], [0, 0]);
    assertEquals(lost["loop, split"], [10_000, 10_000]);
    assertEquals(lost["loop, whole"], [0, 0]);
    // How many updates a race loses is chance, but it can't be more than there were.
    for (const some of lost["threads, plain"]!) assertEquals(some >= 0 && some < updates, true);
  },
});

Deno.test("a thread that waits for the other can be stopped", () => {
  for (const count of [plain, atomic]) {
    const memory = new SharedArrayBuffer(CELLS.length * 4);
    const context = contextOf({ cancelAfter: 3 });
    assertThrows(() => count({ memory, times: 10 }, context), DOMException);
    assertEquals(new Int32Array(memory)[CELLS.counter], 0);
  }
});
