import { assertEquals, assertRejects } from "@std/assert";
import { RecordError, RecordFile, type SyncPolicy } from "../../lib/running/record_file.ts";
import { settle, VirtualTime } from "../dispatch/virtual_time.ts";
import { granted, grantedAll } from "../granted.ts";

type Methods = Partial<Pick<Deno.FsFile, "write" | "syncData">>;

/** Tests a record file in a temporary folder while some methods of files are replaced. */
function test(name: string, fn: (path: string, instead: (of: Methods) => void) => Promise<void>) {
  Deno.test({
    name,
    ignore: !granted("read", "write"),
    async fn() {
      const folder = await Deno.makeTempDir();
      const { write, syncData } = Deno.FsFile.prototype;
      try {
        await fn(`${folder}/lines`, (of) => Object.assign(Deno.FsFile.prototype, of));
      } finally {
        Object.assign(Deno.FsFile.prototype, { write, syncData });
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

Deno.test({
  name: "a line that can't be written whole isn't there at all, and those before it are",
  // This device is the only full disk that every Linux has.
  ignore: !grantedAll() || Deno.build.os !== "linux",
  async fn() {
    await using file = await RecordFile.open("/dev/full", "end");
    await assertRejects(() => file.add("{}\n"), RecordError, "space");
  },
});

test(
  "what was there before stays if a disk is full, earlier runs' lines too",
  async (path, instead) => {
    const { write } = Deno.FsFile.prototype;
    await Deno.writeTextFile(path, "earlier\n");
    await using file = await RecordFile.open(path, "end");
    for (const line of ["second\n", "third\n"]) {
      let part = 0;
      instead({
        write(bytes) {
          if (part++ > 0) throw new Error("no space");
          return write.call(this, bytes.subarray(0, 3));
        },
      });
      const before = await Deno.readTextFile(path);
      await assertRejects(() => file.add("torn\n"), RecordError, "no space");
      assertEquals(await Deno.readTextFile(path), before);
      instead({ write });
      await file.add(line);
    }
    assertEquals(await Deno.readTextFile(path), "earlier\nsecond\nthird\n");
  },
);

/** How often a file was synced: after each of two writes, and after closing. */
const SYNCED: readonly (readonly [SyncPolicy, readonly number[]])[] = [
  ["always", [1, 2, 2]],
  ["end", [0, 0, 1]],
  [{ everyMs: 1e6 }, [0, 0, 1]],
];

for (const [policy, wanted] of SYNCED) {
  const name = typeof policy === "string" ? policy : `every ${policy.everyMs} ms`;
  test(`lines are made safe as often as was asked for: ${name}`, async (path, instead) => {
    let synced = 0;
    instead({ syncData: () => (synced++, Promise.resolve()) });
    const seen: number[] = [];
    {
      await using file = await RecordFile.open(path, policy);
      for (const line of ["one\n", "two\n"]) {
        await file.add(line);
        seen.push(synced);
      }
    }
    assertEquals([...seen, synced], wanted);
  });
}

test("a file that something else cuts off, or writes to, is no record any more", async (path) => {
  await using file = await RecordFile.open(path, "end");
  await file.add("one\ntwo\n");
  await Deno.truncate(path, 4);
  await assertRejects(() => file.add("three\n"), RecordError, "it has 10 B, and 14 B were written");
  // The file's content isn't changed.
  assertEquals(await Deno.readTextFile(path), "one\nthree\n");
});

test("lines are made safe in time, whether or not others follow them", async (path, instead) => {
  let synced = 0;
  instead({ syncData: () => (synced++, Promise.resolve()) });
  using time = new VirtualTime();
  await using file = await RecordFile.open(path, { everyMs: 1000 });
  await file.add("one\n");
  time.pass(999);
  await file.add("two\n");
  assertEquals(synced, 0);
  time.pass(1);
  await settle();
  assertEquals([synced, time.timers], [1, 0]);
  await file.add("three\n");
  time.pass(1000);
  await settle();
  assertEquals(synced, 2);
});

test(
  "that lines can't be made safe is told once, by what is written next or by closing",
  async (path, instead) => {
    using time = new VirtualTime();
    const syncData = () => Promise.reject(new Error("no such disk"));
    for (const policy of ["always", "end", { everyMs: 1000 }] as const) {
      for (const last of [false, true]) {
        instead({ syncData });
        const file = await RecordFile.open(path, policy);
        const added = file.add("one\n");
        if (policy === "always") await assertRejects(() => added, RecordError, "no such disk");
        else {
          await added;
          time.pass(1000);
          await settle();
          const closes = last || policy === "end";
          const next = () => closes ? file[Symbol.asyncDispose]() : file.add("two\n");
          await assertRejects(next, RecordError, "no such disk");
          if (closes) continue;
        }
        instead({ syncData: () => Promise.resolve() });
        await file[Symbol.asyncDispose]();
      }
    }
  },
);

test("a file that was removed or moved, or that another one replaces, takes no more lines", async (path) => {
  const move = async (path: string) => {
    await Deno.rename(path, `${path}.moved`);
    await Deno.writeTextFile(path, "one\n");
  };
  for (const take of [Deno.remove, (path: string) => Deno.rename(`${path}.new`, path), move]) {
    await using file = await RecordFile.open(path, "end");
    await file.add("one\n");
    await Deno.writeTextFile(`${path}.new`, "");
    await take(path);
    await assertRejects(() => file.add("two\n"), RecordError, "was removed, moved or replaced");
  }
});
