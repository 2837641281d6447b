import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { crashed, MAX_KILLS } from "../../lib/dispatch/crash.ts";

const death = { how: "was ended by SIGKILL", starting: false };

Deno.test("a crash names the item, whether it had started, and how the lane ended", () => {
  assertEquals(
    crashed(3, 1, true, death).message,
    "Item 3 lost its lane while its task ran: the lane was ended by SIGKILL",
  );
  assertStringIncludes(crashed(3, 1, false, death).message, "before its task could start");
});

Deno.test("a task is quarantined when it has killed too often, and may be tried again until then", () => {
  for (let kills = 0; kills < MAX_KILLS + 2; kills++) {
    const { retryable, message } = crashed(0, kills, true, death);
    assertEquals([retryable, message.includes("quarantined")], [
      kills < MAX_KILLS,
      kills >= MAX_KILLS,
    ]);
  }
});

Deno.test("what was thrown is the cause, even if it was undefined; if nothing was, there is none", () => {
  const error = new TypeError("late");
  assert(crashed(0, 1, true, { ...death, error }).cause === error);
  assert("cause" in crashed(0, 1, true, { ...death, error: undefined }));
  assert(!("cause" in crashed(0, 1, true, death)));
});
