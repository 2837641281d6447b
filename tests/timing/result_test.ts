import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "../properties.ts";
import { writeAtomically } from "../../lib/files/user_files.ts";
import { readResultFile, RESULT_FORMAT } from "../../lib/timing/result.ts";
import { parseWritten, RESULT_FILE_BYTES, ResultFileError } from "../../lib/timing/json_file.ts";
import { model, resultFileOf } from "./fake.ts";

const may = (name: "read" | "write") => Deno.permissions.querySync({ name }).state === "granted";
const files = { ignore: !may("read") || !may("write") };

function valid() {
  return resultFileOf([model("sequential", [1, 2, 3])]);
}

function fault(data: unknown): string {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  const error = assertThrows(
    () => parseWritten(text, "old.json", [RESULT_FORMAT]),
    ResultFileError,
  );
  assert(error.message.startsWith('Cannot read result file "old.json": '));
  assert(!error.message.includes("\n"), "one line");
  return error.message.slice(36);
}

Deno.test("parseWritten() gives back what was written", () => {
  assertEquals<unknown>(parseWritten(JSON.stringify(valid()), "x", [RESULT_FORMAT]), valid());
});

Deno.test("parseWritten() says that a file is truncated, wherever it ends", () => {
  const text = JSON.stringify(valid());
  fc.assert(fc.property(fc.integer({ min: 1, max: text.length - 1 }), (end) => {
    const message = fault(text.slice(0, end));
    assert(message.includes("truncated"), message);
  }));
  assert(fault(text.slice(0, 200)).includes("truncated"));
  assert(fault('{"rounds": tru').includes("truncated"));
  assert(fault(" ").includes("it is empty"));
});

Deno.test("parseWritten() takes no text for truncated that ends as JSON does, or never began as it", () => {
  for (const text of ['{"rounds": true, oops}', "[1, oops] ", "three rounds"]) {
    assert(fault(text).includes("it isn't JSON"), text);
  }
});

Deno.test("parseWritten() says which version a file has, and which it reads", () => {
  assert(
    fault({ ...valid(), schemaVersion: 2 }).includes("schema version 2, and this program reads 1"),
  );
  assert(fault({}).includes("no schemaVersion"));
  assert(fault([]).includes("no schemaVersion"));
  assert(fault("null").includes("no schemaVersion"));
});

Deno.test("parseWritten() says of a file of another kind which kind it is", () => {
  const message = fault({ ...valid(), kind: "sweep" });
  assertEquals(message, 'its kind is "sweep"; name a file that io or cpu wrote with --json');
  assert(fault({ ...valid(), kind: { a: "x".repeat(1000) } }).length < 200);
});

Deno.test("parseWritten() names the field that was edited to nonsense", () => {
  const edited = valid() as { comparisons: { models: { rounds: { wallMs: unknown }[] }[] }[] };
  edited.comparisons[0]!.models[0]!.rounds[1]!.wallMs = "fast";
  assert(fault(edited).startsWith("comparisons[0].models[0].rounds[1].wallMs is wrong"));
  assert(fault({ ...valid(), comparisons: 5 }).startsWith("comparisons is wrong: expected array"));
  assert(fault({ schemaVersion: 1 }).startsWith("environment is missing (and 1 more); measure"));
  const empty = valid();
  empty.comparisons[0]!.models[0]!.rounds = [];
  assert(fault(empty).includes("comparisons[0].models[0].rounds is empty"));
});

Deno.test("parseWritten() refuses what is nested so deep that following it would end the program", () => {
  const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
  const text = JSON.stringify(valid());
  const within = text.replace('"options":{}', `"options":{"a":${deep}}`);
  assert(within.length > text.length);
  assert(fault(within).startsWith("comparisons[0].job.options is wrong: it is nested too deep"));
  assert(fault(`{"schemaVersion":${deep}}`).includes("schema version"));
  assert(fault({ schemaVersion: { valueOf: 1, toString: 1 } }).includes("schema version"));
  assert(fault(`{"schemaVersion":1,"kind":${deep}}`).includes("its kind is"));
});

Deno.test("parseWritten() refuses a timeline whose columns differ in length", () => {
  const odd = valid();
  const columns = { index: [0, 1], lane: [0, 0], queuedMs: [0, 0], startedMs: [0, 0] };
  odd.comparisons[0]!.models[0]!.timeline = {
    round: 0,
    lanes: [],
    ...columns,
    endedMs: [1],
    status: ["fulfilled", "fulfilled"],
  };
  assert(fault(odd).includes("timeline.endedMs has 1 entries, but index has 2"));
});

Deno.test("parseWritten() never lets anything but its own error out", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void fault(text)));
  fc.assert(fc.property(fc.jsonValue(), (comparisons) => {
    if (Array.isArray(comparisons) && comparisons.length === 0) return;
    fault({ ...valid(), comparisons });
  }));
});

Deno.test({
  name: "readResultFile() refuses a missing file, a folder, and one too large, without reading it",
  ...files,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const read = (name: string) => readResultFile(`${folder}/${name}`);
      await assertRejects(() => read("missing.json"), ResultFileError, "no such file");
      await assertRejects(() => readResultFile(folder), ResultFileError, "it is a folder");
      // A sparse file takes no room on the disk.
      using file = await Deno.open(`${folder}/huge.json`, { create: true, write: true });
      await file.truncate(RESULT_FILE_BYTES + 2 ** 20);
      await assertRejects(() => read("huge.json"), ResultFileError, "it goes on beyond 210 MB");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "writeAtomically() replaces a file whole, and leaves nothing behind when it can't",
  ...files,
  async fn() {
    const folder = await Deno.makeTempDir();
    const names = async () => (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    try {
      const path = `${folder}/result.json`;
      await writeAtomically(path, "old");
      await writeAtomically(path, "new");
      assertEquals(await Deno.readTextFile(path), "new");
      assertEquals(await names(), ["result.json"]);
      await Deno.mkdir(`${folder}/taken`);
      await assertRejects(() => writeAtomically(`${folder}/taken`, "x"));
      assertEquals((await names()).sort(), ["result.json", "taken"]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
