import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ChunkSizer } from "../../lib/dispatch/chunk_sizer.ts";
import { Intake } from "../../lib/dispatch/intake.ts";
import type { Items } from "../../lib/dispatch/options.ts";
import type { Piece } from "../../lib/dispatch/piece.ts";
import { Source } from "../../lib/dispatch/source.ts";
import { pieceOf } from "./fake_sent.ts";
import { VirtualTime } from "./virtual_time.ts";

interface Sizes {
  readonly slots?: number;
  readonly buffer?: "auto" | number;
  readonly chunk?: "auto" | number;
}

function intakeOf(items: Items<unknown>, { slots = 2, buffer = "auto", chunk = 1 }: Sizes = {}) {
  let more = 0;
  const errors: unknown[] = [];
  const source = new Source(items);
  const intake = new Intake({
    source,
    sizer: new ChunkSizer(chunk),
    slots,
    buffer,
    chunksAlways: chunk !== "auto",
    onMore: () => more++,
    onError: (error) => errors.push(error),
  });
  return { intake, source, errors, more: () => more };
}

function indexes(pieces: Iterable<Piece | undefined>): number[] {
  return [...pieces].flatMap((piece) =>
    Array.from({ length: piece?.items.length ?? 0 }, (_, at) => piece!.firstIndex + at)
  );
}

Deno.test("never more items are out than slots and buffer, and never fewer while there are some", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.nat({ max: 6 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.nat({ max: 4 }), { maxLength: 12 }),
      (slots, buffer, chunk, consumed) => {
        const { intake, source } = intakeOf(
          (function* () {
            for (let n = 0;; n++) yield n;
          })(),
          { slots, buffer, chunk },
        );
        const taken: (Piece | undefined)[] = [];
        for (const more of [0, ...consumed]) {
          intake.consumed = Math.min(intake.consumed + more, source.pulled);
          while (intake.peek(0) !== undefined) taken.push(intake.take(true, 0));
          assertEquals(source.pulled - intake.consumed, slots + buffer);
        }
        assertEquals(indexes(taken), Array.from({ length: source.pulled }, (_, n) => n));
      },
    ),
  );
});

Deno.test("what was put back goes before all others, the last put back first", () => {
  const { intake } = intakeOf([0, 1, 2]);
  intake.putBack(pieceOf(["x"], { firstIndex: 11 }));
  intake.putBack(pieceOf([], { firstIndex: 99 }));
  intake.putBack(pieceOf(["y"], { firstIndex: 10 }));
  assertEquals(indexes([1, 2, 3].map(() => intake.take(true, 0))), [10, 11, 0]);
});

Deno.test("items that must run alone are dealt out one by one", () => {
  const { intake } = intakeOf([]);
  intake.putBack(pieceOf(["a", "b", "c"], { alone: true }));
  const taken = [1, 2, 3].map(() => {
    assertEquals(intake.peek(0)?.alone, true);
    return intake.take(true, 0)!;
  });
  assertEquals(taken.map(({ firstIndex, items }) => [firstIndex, items]), [
    [10, ["a"]],
    [11, ["b"]],
    [12, ["c"]],
  ]);
});

Deno.test("an item goes again when its wait is over, not before", () => {
  using time = new VirtualTime();
  const { intake, source, more } = intakeOf([]);
  source.pull(1, () => {});
  intake.later(pieceOf(["a"]), 500);
  assertEquals([intake.isEmpty, intake.peek(0), more()], [false, undefined, 0]);
  time.pass(499);
  assertEquals([intake.peek(0), more()], [undefined, 0]);
  time.pass(1);
  assertEquals([indexes([intake.take(true, 0)]), more(), intake.isEmpty], [[10], 1, true]);
});

Deno.test("a wait that no timer holds is kept to the end, and an endless one for ever", () => {
  const days = 86_400_000;
  using time = new VirtualTime();
  const { intake, source } = intakeOf([]);
  source.pull(1, () => {});
  intake.later(pieceOf(["a"]), 100 * days);
  intake.later(pieceOf(["b"], { firstIndex: 11 }), Infinity);
  time.pass(100 * days - 1);
  assertEquals(intake.peek(0), undefined);
  time.pass(1);
  assertEquals(indexes([intake.take(true, 0)]), [10]);
  time.pass(1000 * days);
  assertEquals(intake.peek(0), undefined);
  assertEquals(indexes(intake.drop()), [11]);
  assertEquals(time.timers, 0);
});

Deno.test("dropping gives back all that was not sent: what waits, what is due, an array's rest", () => {
  using time = new VirtualTime();
  const { intake } = intakeOf([0, 1, 2, 3]);
  intake.take(true, 0);
  intake.putBack(pieceOf(["x"], { firstIndex: 20 }));
  intake.later(pieceOf(["y"], { firstIndex: 30 }), 50);
  assertEquals(indexes(intake.drop()).toSorted((a, b) => a - b), [1, 2, 3, 20, 30]);
  assertEquals([time.timers, intake.isEmpty], [0, true]);
});

Deno.test("an input that drops everything while it is asked leaves nothing behind", () => {
  const large = new Uint8Array(1 << 20);
  function* items(): Generator<Uint8Array> {
    yield large;
    assertEquals(parts.intake.drop(), []);
    yield large;
    yield large;
  }
  const parts = intakeOf(items(), { chunk: 3, slots: 9 });
  const { intake } = parts;
  assertEquals(indexes([intake.take(true, 0), intake.take(true, 0)]), [0, 1]);
  assert(intake.isEmpty);
});

Deno.test("an async input's arrivals are told, and its failure", async () => {
  const { intake, errors, more } = intakeOf((async function* () {
    await undefined;
    yield "a";
    throw new RangeError("gone");
  })());
  const settle = () => new Promise((resolve) => setTimeout(resolve));
  assertEquals([intake.peek(0) !== undefined, intake.take(true, 0)], [true, undefined]);
  await settle();
  assertEquals(more(), 1);
  assertEquals(indexes([intake.take(true, 0)]), [0]);
  intake.take(true, 0);
  await settle();
  assert(errors[0] instanceof RangeError && intake.isEmpty);
});
