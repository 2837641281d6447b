import { assertEquals, assertThrows } from "@std/assert";
import { stopIfCancelled } from "../../lib/tasks/stop_if_cancelled.ts";
import { contextOf } from "./context.ts";

Deno.test("stopIfCancelled() throws an AbortError only once it is asked to stop", () => {
  const context = contextOf({ cancelAfter: 1 });
  stopIfCancelled(context);
  assertEquals(assertThrows(() => stopIfCancelled(context), DOMException).name, "AbortError");
});
