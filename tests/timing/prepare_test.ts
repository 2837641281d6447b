import { assertEquals } from "@std/assert";
import { prepare } from "../../lib/timing/prepare.ts";

Deno.test("what prepare gives is disposed if it can be, once the job is over", async () => {
  const log: string[] = [];
  const cases: [unknown, boolean][] = [
    [{ [Symbol.asyncDispose]: async () => void log.push(await "later") }, true],
    [{ [Symbol.dispose]: () => void log.push("now") }, true],
    [{}, false],
    [undefined, false],
    [null, false],
    [7, false],
  ];
  for (const [value, disposable] of cases) {
    await using prepared = await prepare(() => Promise.resolve(value));
    assertEquals(prepared.isDisposable, disposable);
  }
  assertEquals(log, ["later", "now"]);
  await using none = await prepare(undefined);
  assertEquals(none.isDisposable, false);
});
