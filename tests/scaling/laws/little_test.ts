import { assert, assertEquals } from "@std/assert";
import { checkLittle } from "../../../lib/scaling/laws/little.ts";

Deno.test("checkLittle() says when slots stood empty, and when times can't be right", () => {
  assertEquals(checkLittle(400, 20, 8).ratio, 1);
  assert(checkLittle(400, 20, 8).meaning === null);
  const empty = checkLittle(200, 20, 8);
  assert(!empty.holds && empty.meaning!.includes("empty 50%"));
  const over = checkLittle(800, 20, 8);
  assert(!over.holds && over.meaning!.includes("more was in flight"));
});
