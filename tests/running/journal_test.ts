import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UsageError } from "../../lib/text/option_values.ts";
import { digestText } from "../../lib/running/known_items.ts";
import {
  checkFailures,
  Journal,
  type JournalOptions,
  journalPath,
  openAlone,
  writeFailures,
} from "../../lib/running/journal.ts";
import { granted } from "../granted.ts";

const ignore = !granted("read", "write");
const JOB = { module: "file:///job.ts", export: "default" };

const done = (index: number, value = index) =>
  `{"index":${index},"digest":"${digestText(100 + index)}","value":${value}}\n`;
const failure = (index: number, attempts = 1) =>
  `{"index":${index},"digest":"${
    digestText(100 + index)
  }","ended":"failed","attempts":${attempts}}\n`;

async function inFolder(use: (out: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(`${folder}/out.jsonl`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const open = (path: string, options: Partial<JournalOptions> = {}) =>
  Journal.open({ path, typed: "out.jsonl", job: JOB, sync: "end", resume: true, ...options });

const statesOf = (journal: Journal) =>
  [...journal.known.entries()].map(([index, digest, state]) => {
    assertEquals(digest, 100 + index);
    return `${index} ${state}`;
  });

function test(name: string, use: (out: string) => Promise<void>): void {
  Deno.test({ name, ignore, fn: () => inFolder(use) });
}

test("whatever byte a run was ended at, whole records are known and what is torn is cut off", async (out) => {
  const results = [done(0), done(2), `{"index":3,"digest":"${digestText(103)}","value":"é\\n}"}\n`];
  const failures = [failure(1), failure(4)];
  {
    await using journal = await open(out);
    await journal.add(results.join(""), failures.join(""));
  }
  const whole = {
    [out]: await Deno.readFile(out),
    [journalPath(out)]: await Deno.readFile(journalPath(out)),
  };
  const header = whole[journalPath(out)]!.indexOf(10) + 1;
  for (const [torn, bytes] of Object.entries(whole)) {
    for (let length = torn === out ? 0 : header; length <= bytes.length; length++) {
      await Deno.writeFile(out, whole[out]!);
      await Deno.writeFile(journalPath(out), whole[journalPath(out)]!);
      await Deno.writeFile(torn, bytes.subarray(0, length));
      const kept = new TextDecoder().decode(bytes.subarray(0, length)).split(/(?<=\n)/)
        .filter((line) => line.endsWith("\n"));
      {
        await using journal = await open(out);
        assertEquals(
          journal.known.counts,
          torn === out ? { done: kept.length, failed: 2 } : { done: 3, failed: kept.length - 1 },
        );
        const keptBytes = new TextEncoder().encode(kept.join("")).length;
        assertEquals(journal.cutBytes, length - keptBytes);
        // The items that aren't known run again.
        const missing = (lines: string[]) => lines.filter((line) => !kept.includes(line)).join("");
        await (torn === out
          ? journal.add(missing(results), "")
          : journal.add("", missing(failures)));
      }
      for (const [path, all] of Object.entries(whole)) assertEquals(await Deno.readFile(path), all);
    }
  }
});

test("a run that was ended before its journal was whole begins anew", async (out) => {
  {
    await using _journal = await open(out);
  }
  const header = await Deno.readFile(journalPath(out));
  for (let length = 0; length < header.length; length++) {
    await Deno.writeFile(journalPath(out), header.subarray(0, length));
    await using journal = await open(out);
    assertEquals(journal.known.length, 0);
    assertEquals(await Deno.readFile(journalPath(out)), header);
  }
});

test("of an item's records the result counts, however often it failed", async (out) => {
  {
    await using journal = await open(out);
    await journal.add(done(1), failure(0) + failure(1) + failure(2) + failure(2, 7));
  }
  await using journal = await open(out);
  assertEquals(statesOf(journal), ["0 failed", "1 done", "2 failed"]);
  await writeFailures(out, `${out}.failed`, journal.known);
  assertEquals(await Deno.readTextFile(`${out}.failed`), failure(0) + failure(2, 7));
  await journal.add(done(0), failure(2, 8));
  await writeFailures(out, `${out}.failed`, journal.known);
  assertEquals(await Deno.readTextFile(`${out}.failed`), failure(2, 8));
});

async function assertRefused(opening: Promise<unknown>, ...parts: string[]): Promise<void> {
  const { message } = await assertRejects(() => opening, UsageError);
  for (const part of ["--out", "out.jsonl", ...parts]) assertStringIncludes(message, part);
}

test("a job that has moved, or is named by a link, is gone on with, unless another lies where it was", async (out) => {
  const opened = async (module: string) => {
    const job = { module, export: "default" };
    await using journal = await open(out, { job });
    return statesOf(journal);
  };
  const place = (folder: string) => pathToFileURL(`${dirname(out)}/${folder}job.ts`).href;
  await Deno.mkdir(`${dirname(out)}/new`);
  for (const folder of ["", "new/"]) await Deno.writeTextFile(new URL(place(folder)), "");
  await opened(place(""));
  await Deno.writeTextFile(out, done(0));
  await assertRefused(opened(place("new/")), "another job");
  await Deno.symlink(dirname(out), `${dirname(out)}/link`);
  assertEquals(await opened(place("link/")), ["0 done"]);
  await Deno.remove(new URL(place("")));
  assertEquals(await opened(place("new/")), ["0 done"]);
});

test("what can't be gone on with is refused, and left as it is", async (out) => {
  const journal = journalPath(out);
  const header = `${JSON.stringify({ kind: "lanes run journal", version: 1, ...JOB })}\n`;
  const cases: readonly (readonly [string, string, ...string[]])[] = [
    [done(0), "", "isn't empty", "journal"],
    ["my own text", "", "isn't empty"],
    ["", "my own text", "no journal"],
    ["", "my own text\n", "no journal"],
    [done(0), header.replace("job.ts", "other.ts"), "another job", "other.ts"],
    [done(0), header.replace('"default"', '"other"'), "another job", "export other"],
    [done(0), header.replace("1", "2"), "version 2", "knows 1"],
    [`${done(0)}my own text\n${done(1)}`, header, "line 2 is damaged"],
    [`${done(0)}{"index":99999999999,"digest":"a","value":1}\n`, header, "line 2 is damaged"],
    [done(0), `${header}{}\n`, "line 2 of its journal"],
    [done(0) + done(1) + done(0), header, "line 3", "second result of item 0", "remove one"],
    [done(0).replace("\n", "\r\n"), header, "line 1 ends with CRLF", "LF"],
    [done(0), header + failure(1).replace("\n", "\r\n"), "line 2 of its journal", "CRLF"],
    [done(0), header.replace("\n", "\r\n"), "line 1 of its journal", "CRLF"],
  ];
  for (const [results, record, ...parts] of cases) {
    await Deno.writeTextFile(out, results);
    await Deno.writeTextFile(journal, record);
    await assertRefused(open(out), ...parts);
    assertEquals(await Deno.readTextFile(out), results);
    assertEquals(await Deno.readTextFile(journal), record);
  }
});

test("without --resume, and where one of the two files is missing, nothing is begun", async (out) => {
  await Deno.writeTextFile(out, "");
  await assertRefused(open(out, { resume: false }), "exists", "--resume");
  await Deno.rename(out, journalPath(out));
  await assertRefused(open(out, { resume: false }), "journal", "exists");
  await assertRefused(open(out), "journal", "remove");
});

test("two runs don't write one file; once the first has ended, the second may", async (out) => {
  {
    await using first = await open(out);
    await assertRefused(open(out), "another run");
    await first.add(done(0), "");
  }
  await using second = await open(out);
  assertEquals(statesOf(second), ["0 done"]);
});

test("of two runs that begin one file at once, one is refused and the other keeps it", async (out) => {
  const opened = await Promise.allSettled([open(out), open(out)]);
  const [journal, ...more] = opened.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
  assertEquals(more, []);
  {
    await using kept = journal!;
    await kept.add(done(0), "");
  }
  for (const one of opened) {
    if (one.status === "rejected") assertStringIncludes(String(one.reason), "another run");
  }
  assertEquals(await Deno.readTextFile(out), done(0));
});

test("a run whose file another one removes while it is opened makes it anew", async (out) => {
  const { tryLock } = Deno.FsFile.prototype;
  let tries = 0;
  Deno.FsFile.prototype.tryLock = async function (...args) {
    if (tries++ === 0) await Deno.remove(out);
    return await tryLock.apply(this, args);
  };
  try {
    await using journal = await open(out);
    await journal.add(done(0), "");
  } finally {
    Deno.FsFile.prototype.tryLock = tryLock;
  }
  assertEquals([tries, await Deno.readTextFile(out)], [2, done(0)]);
});

test("the name of the job is safe from a loss of power before any result is", async (out) => {
  const { syncData } = Deno.FsFile.prototype;
  const synced: string[] = [];
  Deno.FsFile.prototype.syncData = async function () {
    await syncData.apply(this);
    synced.push(await Deno.readTextFile(journalPath(out)));
  };
  try {
    await using _journal = await open(out, { sync: { everyMs: 1e6 } });
    assertEquals(synced, [await Deno.readTextFile(journalPath(out))]);
  } finally {
    Deno.FsFile.prototype.syncData = syncData;
  }
});

test("failures are written behind a link, and to no file that another run writes", async (out) => {
  const [file, link] = [`${out}.failed`, `${out}.link`];
  await Deno.symlink(file, link);
  {
    await using journal = await open(out);
    await journal.add("", failure(0));
  }
  await using journal = await open(out);
  await writeFailures(out, link, journal.known);
  assertEquals(await Deno.readTextFile(file), failure(0));
  await using _other = await openAlone("--failed", { path: file, typed: "f" }, "end");
  const { message } = await assertRejects(() => checkFailures(link, "link"), UsageError);
  assertStringIncludes(message, '--failed "link": another run is writing it');
});

test("a run that came to nothing leaves nothing behind", async (out) => {
  await using journal = await open(out);
  await journal.discard();
  assertEquals(await Array.fromAsync(Deno.readDir(out.slice(0, out.lastIndexOf("/")))), []);
});
