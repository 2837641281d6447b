import { assertStrictEquals } from "@std/assert";
import noop from "../../lib/tasks/noop.ts";

Deno.test("noop() gives back the very item", () => {
  for (const item of [0, undefined, "x", { a: 1 }]) assertStrictEquals(noop(item), item);
});
