import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { toFileUrl } from "@std/path";
import { UsageError } from "../../lib/options.ts";
import { rateOf, type RawRunOptions, readRunOptions } from "../../lib/running/run_options.ts";
import { adviceFileOf } from "../advice/advice_file.ts";
import { adviceOn, asPredicted } from "../advice/advice_on.ts";
import { granted } from "../granted.ts";

Deno.test("a rate is even: one start at a time, or a few where they follow on each other fast", () => {
  assertEquals(rateOf("--rate", "20/s"), { limit: 2, perMs: 100 });
  assertEquals(rateOf("--rate", "10/s"), { limit: 1, perMs: 100 });
  assertEquals(rateOf("--rate", "30/m"), { limit: 1, perMs: 2000 });
  assertEquals(rateOf("--rate", "0.5/s"), { limit: 1, perMs: 2000 });
  for (const text of ["1000/s", "300/s", "100000/s"]) {
    const { limit, perMs } = rateOf("--rate", text);
    assertEquals(Math.round(limit / perMs * 1000), parseInt(text));
    assertEquals(perMs >= 100 && perMs < 110, true);
  }
  for (const text of ["0/s", "0", "20", "20/d", "-1/s", "1e9/s", "999999999999999999/s"]) {
    assertThrows(() => rateOf("--rate", text), UsageError);
  }
});

Deno.test({
  name: "advice says model, sizes, retries and rate, if it is on this job; options say otherwise",
  ignore: !granted("read", "write", "env"),
  async fn() {
    const folder = await Deno.realPath(await Deno.makeTempDir());
    try {
      const [job, file] = [`${folder}/job.ts`, `${folder}/advice.json`];
      await Deno.writeTextFile(job, "export default 1;");
      const given = await adviceOn({ computeMs: 20 }, asPredicted);
      const write = (module: string) =>
        Deno.writeTextFile(
          file,
          JSON.stringify(adviceFileOf({
            ...given,
            job: { ...given.job, module },
            recommended: {
              ...given.recommended,
              model: "workers",
              lanes: 2,
              slots: 3,
              retries: 4,
              rate: { limit: 20, perMs: 1000 },
            },
          })),
        );
      await write(toFileUrl(job).href);
      const read = (raw: RawRunOptions) => readRunOptions(job, { advice: file, ...raw }, []);
      const advised = await read({});
      assertEquals(advised.model, { model: "workers", lanes: 2, slots: 3 });
      assertEquals([advised.retries, advised.rate], [4, { limit: 20, perMs: 1000 }]);
      const otherwise = await read({ retries: "0", rate: "1/s" });
      assertEquals([otherwise.retries, otherwise.rate], [0, { limit: 1, perMs: 1000 }]);
      await assertRejects(() => read({ slots: "3" }), UsageError, "--advice says");
      const begin = (raw: RawRunOptions) => readRunOptions(job, { start: file, ...raw }, []);
      const { model: { start, ...model }, retries } = await begin({ model: "auto" });
      assertEquals([model, retries], [{ model: "auto" }, 4]);
      assertEquals([start!.environment.lanesAvailable, start!.advice.recommended.slots], [2, 3]);
      for (const raw of [{}, { model: "workers" }, { lanes: "2" }]) {
        await assertRejects(() => begin(raw), UsageError, "has no meaning without --model auto");
      }
      await write("file:///another.ts");
      await assertRejects(() => read({}), UsageError, "advice on file:///another.ts");
      await assertRejects(() => begin({ model: "auto" }), UsageError, `--start "${file}": it is`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "auto has bounds in place of a size",
  ignore: !granted("read", "write", "env"),
  async fn() {
    const job = import.meta.url;
    const read = (raw: RawRunOptions) => readRunOptions(job, { model: "auto", ...raw }, []);
    const { model } = await read({ maxSlots: "20", maxLanes: "2", memory: "500MB" });
    const bounds = { maxSlots: 20, maxLanes: 2, memoryBytes: 5e8 };
    assertEquals(model, { model: "auto", bounds });
    await assertRejects(() => read({ slots: "3" }), UsageError, "bound it with --max-slots");
    await assertRejects(() => read({ lanes: "1" }), UsageError, "bound it with --max-lanes");
    await assertRejects(() => read({ model: "limited", stay: "loop" }), UsageError, "--model auto");
  },
});
