import { assertEquals, assertRejects } from "@std/assert";
import {
  MeasuringChild,
  type MeasuringChildOptions,
  TrialError,
} from "../../lib/children/measuring_child.ts";
import { granted } from "../granted.ts";

const ignore = !granted("run", "read");
const listening = new URL("./listening_child.ts", import.meta.url);
const answering = new URL("./answering_child.ts", import.meta.url);

function answer(
  does: string,
  more: Pick<MeasuringChildOptions, "guardMs" | "signal" | "flags"> = {},
) {
  return new MeasuringChild({ entry: answering, order: { does }, ...more });
}

Deno.test({
  name: "result() gives what the child answered, and tells what it said before",
  ignore,
  async fn() {
    const said: unknown[] = [];
    await using child = answer("give");
    assertEquals(await child.result("It", (message) => said.push(message)), { sum: 3 });
    assertEquals(said, [{ type: "progress", part: 1 }, { type: "progress", part: 2 }]);
  },
});

for (
  const [does, why] of [
    ["throw", "It gave no result: RangeError: too many"],
    ["throw text", "It gave no result: Error: no error at all"],
    ["exit", "It gave no result: exit code 7: one | two | three | four | five | six"],
  ] as const
) {
  Deno.test({
    name: `result() says why there is none of a child that is to ${does}`,
    ignore,
    async fn() {
      await using child = answer(does);
      const error = await assertRejects(() => child.result("It"), TrialError);
      assertEquals(error.message, why);
    },
  });
}

Deno.test({
  name: "result() rejects with the signal's reason, and for a child that outlives its guard",
  ignore,
  async fn() {
    const stopping = new AbortController();
    await using child = answer("hang", { signal: stopping.signal });
    const ended = child.result("It", () => stopping.abort(new Error("enough")));
    await assertRejects(() => ended, Error, "enough");
    await using late = answer("hang", { guardMs: 1 });
    await assertRejects(() => late.result("It"), TrialError, "It did not end within 1 ms");
  },
});

Deno.test({
  name: "an answer that came while this event loop was held up is read before its limit counts",
  ignore: ignore || !granted("write"),
  async fn() {
    const folder = await Deno.makeTempDir();
    const mark = `${folder}/asked`;
    try {
      await using child = answer(`mark ${mark}`, {
        flags: [`--allow-read=${mark}`, `--allow-write=${mark}`],
      });
      const isThere = () => {
        try {
          return Deno.statSync(mark).isFile;
        } catch {
          return false;
        }
      };
      const given = await child.result("It", () => {
        child.guard(1);
        Deno.writeTextFileSync(mark, "");
        while (isThere());
      });
      assertEquals(given, { sum: 3 });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "a child is over once it has ended, though what it started holds its output open",
  ignore,
  async fn() {
    let pid = 0;
    const flags = [`--allow-run=${Deno.execPath()}`];
    {
      await using child = answer("leave a program", { flags });
      const given = await child.result("It", (message) => {
        if ("pid" in message) pid = message.pid as number;
      });
      assertEquals(given, { sum: 3 });
    }
    // This throws if the program has ended, which would mean that the child had waited for it.
    Deno.kill(pid, "SIGKILL");
  },
});

Deno.test({
  name: "a child whose signal is aborted already is stopped at once",
  ignore,
  async fn() {
    const stopping = new AbortController();
    stopping.abort(new Error("too late"));
    await using child = answer("hang", { signal: stopping.signal });
    await assertRejects(() => child.result("It"), Error, "too late");
  },
});

Deno.test({
  name: "nextWithin() stops a child that says nothing for so long",
  ignore: ignore || Deno.build.os === "windows",
  async fn() {
    await using child = new MeasuringChild({ entry: listening, order: {} });
    assertEquals((await child.nextWithin(60_000))?.type, "begun");
    assertEquals(await child.nextWithin(1), undefined);
    await child.ended;
  },
});
