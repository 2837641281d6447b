import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { pathToFileURL } from "node:url";
import { UsageError } from "../../lib/text/option_values.ts";
import { type RawRunOptions, readRate, readRunOptions } from "../../lib/running/run_options.ts";
import { adviceFileOf } from "../advice/advice_file.ts";
import { adviceOn, asPredicted } from "../advice/advice_on.ts";
import { granted } from "../granted.ts";

Deno.test("a rate is even: one start at a time, or a few where they follow on each other fast", () => {
  assertEquals(readRate("--rate", "20/s"), { limit: 2, perMs: 100 });
  assertEquals(readRate("--rate", "10/s"), { limit: 1, perMs: 100 });
  assertEquals(readRate("--rate", "30/m"), { limit: 1, perMs: 2000 });
  assertEquals(readRate("--rate", "0.5/s"), { limit: 1, perMs: 2000 });
  assertEquals(readRate("--rate", "1_000/s"), readRate("--rate", "1000/s"));
  for (const text of ["1000/s", "300/s", "100000/s"]) {
    const { limit, perMs } = readRate("--rate", text);
    assertEquals(Math.round(limit / perMs * 1000), parseInt(text));
    assertEquals(perMs >= 100 && perMs < 110, true);
  }
  for (const text of ["0/s", "0", "20", "20/d", "-1/s", "1e9/s", "999999999999999999/s"]) {
    assertThrows(() => readRate("--rate", text), UsageError);
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
      await write(pathToFileURL(job).href);
      const read = (raw: RawRunOptions) => readRunOptions(job, { advice: file, ...raw });
      const advised = await read({});
      assertEquals(advised.model, { model: "workers", lanes: 2, slots: 3 });
      assertEquals([advised.retries, advised.rate], [4, { limit: 20, perMs: 1000 }]);
      const otherwise = await read({ retries: "0", rate: "1/s" });
      assertEquals([otherwise.retries, otherwise.rate], [0, { limit: 1, perMs: 1000 }]);
      await assertRejects(() => read({ slots: "3" }), UsageError, "--advice says");
      const begin = (raw: RawRunOptions) => readRunOptions(job, { start: file, ...raw });
      const { model: { start, ...model }, retries } = await begin({ model: "auto" });
      assertEquals([model, retries], [{ model: "auto" }, 4]);
      assertEquals((await begin({})).model.model, "auto");
      assertEquals([start!.environment.lanesAvailable, start!.advice.recommended.slots], [2, 3]);
      for (const raw of [{ slots: "2" }, { model: "workers" }, { lanes: "2" }]) {
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

/** Tests reading the options of a job in a temporary folder. */
function optionTest(
  name: string,
  fn: (read: (raw: RawRunOptions) => ReturnType<typeof readRunOptions>, folder: string) => unknown,
): void {
  Deno.test({
    name,
    ignore: !granted("read", "write", "env"),
    async fn() {
      const folder = await Deno.realPath(await Deno.makeTempDir());
      try {
        const job = `${folder}/job.ts`;
        await Deno.writeTextFile(job, "export default 1;");
        await fn((raw) => readRunOptions(job, raw), folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

optionTest(
  "unless told a run finds its own size, keeps no journal, and runs all there is",
  async (read) => {
    const { model, run, journaled, record, sync, halt, from, out, ...rest } = await read({});
    assertEquals(model, { model: "auto" });
    assertEquals((await read({ slots: "3" })).model, { model: "limited", slots: 3 });
    assertEquals([run, journaled, record], [{ rest: true, failed: false }, false, false]);
    assertEquals(sync, { everyMs: 10_000 });
    assertEquals([
      halt,
      from,
      out,
      rest.failed,
      rest.limit,
      rest.rate,
      rest.perHost,
      rest.timeoutMs,
    ], [
      ...new Array(8).fill(undefined),
    ]);
    const { order, retries, changed, live, resume } = rest;
    assertEquals([order, retries, changed, live, resume, rest.export], [
      "completion",
      0,
      "refuse",
      false,
      false,
      "default",
    ]);
  },
);

optionTest("what is told is taken", async (read, folder) => {
  const told = await read({
    lanes: "3",
    export: "other",
    items: "7",
    perHost: "2",
    timeout: "1.5s",
    order: "input",
    live: true,
    trace: `${folder}/trace.json`,
  });
  assertEquals(told.model, { model: "workers", lanes: 3 });
  const { limit, perHost, timeoutMs, order, live, record } = told;
  assertEquals([told.export, limit, perHost, timeoutMs, order, live, record], [
    "other",
    7,
    2,
    1500,
    "input",
    true,
    true,
  ]);
  assertEquals((await read({ html: `${folder}/page.html` })).record, true);
  assertEquals((await read({ json: `${folder}/run.json` })).record, false);
  assertEquals((await read({ model: "limited", slots: "9" })).model, {
    model: "limited",
    slots: 9,
  });
});

optionTest("a budget is a number of items or a share of them", async (read) => {
  const budget = async (halt: string) => (await read({ halt })).halt;
  assertEquals(await budget("5"), { items: 5 });
  assertEquals(await budget("5%"), { share: 0.05 });
  assertEquals(await budget("0.5"), { share: 0.5 });
  for (const halt of ["0", "0%", "0.0", "101%", "-1", "x"]) {
    await assertRejects(() => read({ halt }), UsageError, "--halt");
  }
});

optionTest("what has no meaning without another option is refused", async (read) => {
  const pairs: [RawRunOptions, string][] = [
    [{ lines: "json" }, '--lines "json": has no meaning without --from'],
    [{ resume: true }, "--resume: has no meaning without --out"],
    [{ retryFailed: true }, "--retry-failed: has no meaning without --out"],
    [{ fsync: "end" }, '--fsync "end": has no meaning without --out'],
    [{ changed: "match" }, '--changed "match": has no meaning without --resume'],
    [{ model: "sequential", lanes: "1" }, "sequential always has 1 lane"],
    [{ model: "sequential", slots: "1" }, "sequential always has 1 slot"],
    [{ model: "concurrent", slots: "1" }, "concurrent always has all slots"],
    [{ retries: "1001" }, '--retries "1001": too large; give 1000 or less'],
  ];
  for (const [raw, text] of pairs) await assertRejects(() => read(raw), UsageError, text);
});

optionTest("results are made safe as often as is told", async (read, folder) => {
  const out = `${folder}/out.jsonl`;
  const sync = async (fsync: string) => (await read({ out, fsync })).sync;
  assertEquals([await sync("always"), await sync("end")], ["always", "end"]);
  assertEquals(await sync("5s"), { everyMs: 5000 });
  for (const fsync of ["0", "often"]) await assertRejects(() => sync(fsync), UsageError, "--fsync");
});

optionTest(
  "lines are JSON if their file says so by its name, unless told",
  async (read, folder) => {
    const format = async (name: string, lines?: string) => {
      const from = `${folder}/${name}`;
      await Deno.writeTextFile(from, "");
      return (await read({ from, ...(lines && { lines }) })).from!.format;
    };
    assertEquals(await format("a.jsonl"), "json");
    assertEquals(await format("a.NDJSON"), "json");
    assertEquals(await format("a.jsonl.txt"), "text");
    assertEquals(await format("a.jsonl", "text"), "text");
    assertEquals(await format("a.txt", "json"), "json");
    assertEquals((await read({ from: "-" })).from, { typed: "-", path: "-", format: "text" });
    await assertRejects(() => read({ from: `${folder}/none` }), UsageError, "no such file");
  },
);

optionTest("only a run that goes on finds files that are there", async (read, folder) => {
  const [out, failed] = [`${folder}/out.jsonl`, `${folder}/failed.jsonl`];
  const { run } = await read({ out, resume: true, retryFailed: true });
  assertEquals(run, { rest: true, failed: true });
  await assertRejects(
    () => read({ out, retryFailed: true }),
    UsageError,
    "so nothing of it failed",
  );
  await Deno.writeTextFile(failed, "");
  await assertRejects(
    () => read({ out, failed }),
    UsageError,
    "add --resume to go on with its run",
  );
  // --resume would be refused, too.
  const alone = await assertRejects(() => read({ failed }), UsageError, "it exists");
  assertEquals(alone.remedy, "name another file");
  const begins = "--out isn't there, so this run begins";
  await assertRejects(() => read({ out, failed, resume: true }), UsageError, begins);
  await Deno.writeTextFile(out, "");
  await assertRejects(() => read({ out, failed }), UsageError, "it exists");
  const goesOn = await read({ out, failed, retryFailed: true });
  assertEquals([goesOn.run, goesOn.resume], [{ rest: false, failed: true }, true]);
  assertEquals((await read({ out, failed, resume: true })).journaled, true);
});

optionTest("files that are written are files of their own", async (read, folder) => {
  const out = `${folder}/out.jsonl`;
  await assertRejects(() => read({ out: folder }), UsageError, "a folder");
  await assertRejects(() => read({ out, failed: out }), UsageError, "the same file as --out");
  const journal = `${out}.journal`;
  await assertRejects(() => read({ out, failed: journal }), UsageError, "--out's journal");
  const json = `${folder}/job.ts`;
  await assertRejects(() => read({ json }), UsageError, "it exists, and isn't what --json writes");
  await Deno.writeTextFile(`${folder}/list.txt`, "");
  const from = `${folder}/list.txt`;
  await assertRejects(() => read({ out: from, from }), UsageError, "--from, which is read");
  await Deno.symlink(`${folder}/nowhere`, `${folder}/link`);
  const link = "a link to a file that isn't there";
  await assertRejects(() => read({ out: `${folder}/link` }), UsageError, link);
  await Deno.symlink(`${folder}/nowhere`, journal);
  const which = `its journal ${journal} is ${link}`;
  await assertRejects(() => read({ out }), UsageError, which);
  // The file of failed items has no journal.
  assertEquals((await read({ failed: out })).failed!.path, out);
});

Deno.test({
  name: "auto has bounds in place of a size",
  ignore: !granted("read", "write", "env"),
  async fn() {
    const job = import.meta.url;
    const read = (raw: RawRunOptions) => readRunOptions(job, { model: "auto", ...raw });
    const { model } = await read({ maxSlots: "20", maxLanes: "2", memory: "500MB" });
    const bounds = { maxSlots: 20, maxLanes: 2, memoryBytes: 5e8 };
    assertEquals(model, { model: "auto", bounds });
    await assertRejects(() => read({ slots: "3" }), UsageError, "bound it with --max-slots");
    await assertRejects(() => read({ lanes: "1" }), UsageError, "bound it with --max-lanes");
    await assertRejects(() => read({ model: "limited", stay: "loop" }), UsageError, "--model auto");
  },
});
