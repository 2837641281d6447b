import { assert, assertEquals } from "@std/assert";
import { rateLimitOf, sampleOf, sparesLater } from "../../../lib/advice/probe/sample.ts";
import { probedOf } from "../fixture.ts";

Deno.test("rateLimitOf() forgives a refusal here and there", () => {
  const of = (count: number, items: number) =>
    rateLimitOf(probedOf({ items, refused: { count, status: 429 } }))?.count;
  assertEquals([of(2, 20), of(3, 20), of(3, 150), of(3, 151)], [undefined, 3, 3, undefined]);
  assertEquals(rateLimitOf({ done: undefined }), undefined);
});

/** Whether tasks with these times, in milliseconds, seem to save later tasks time. */
function later(walls: readonly number[], isSpread = true, count = 1): boolean {
  const spread = isSpread ? count * walls.length : undefined;
  const probed = { ...probedOf({ computeMs: 1, items: walls.length }), spread };
  const stretches = walls.map((wallMs, at) => ({ ...probed.stretches[at]!, count, wallMs }));
  return sparesLater({ probed, sample: sampleOf({ ...probed, stretches }) });
}

Deno.test("sparesLater() tells what tasks keep for later ones from items that differ", () => {
  const cached = Array.from({ length: 100 }, (_, at) => at < 40 && at % 2 === 0 ? 25 : 0.01);
  assert(later(cached));
  assert(later([300, ...Array(99).fill(3)]));
  assert(!later(Array.from({ length: 100 }, (_, at) => at % 10 === 3 ? 50 : 1)));
  assert(!later(Array.from({ length: 100 }, (_, at) => 1 + at % 7)));
  // Three long items that are all in the first half by chance; then too few items to tell.
  assert(!later(Array.from({ length: 300 }, (_, at) => at % 40 === 20 && at < 101 ? 250 : 3)));
  assert(!later([9, 9, 9, 1, 1, 1]));
  assert(!later(cached, false), "a list in its own order may just fall");
  // Stretches of many tiny tasks vary as much as if each were one task.
  const long = [...Array(13).fill(3), ...Array(7).fill(1)];
  const stretches = [...long, ...long.map((ms) => 4 - ms)];
  assert(!later(stretches) && !later(stretches, true, 100));
});
