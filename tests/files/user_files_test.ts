import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  beginAndEnd,
  decoded,
  linkTarget,
  passingPath,
  readText,
  standardInput,
  userFolder,
  userPath,
  writeAtomically,
} from "../../lib/files/user_files.ts";
import { fileURLToPath } from "node:url";
import { attempt } from "../../lib/lanes/attempt.ts";
import { granted, grantedAll } from "../granted.ts";

Deno.test("decoded() skips a byte order mark and heeds what it says", () => {
  const text = "http://a.example/ü\r\n";
  const utf8 = new TextEncoder().encode(text);
  assertEquals(decoded(utf8), text);
  assertEquals(decoded(new Uint8Array([0xef, 0xbb, 0xbf, ...utf8])), text);
  for (const [mark, shift] of [[[0xff, 0xfe], 0], [[0xfe, 0xff], 8]] as const) {
    const units = [...text].flatMap((sign) => {
      const code = sign.charCodeAt(0);
      return shift === 0 ? [code & 255, code >> 8] : [code >> 8, code & 255];
    });
    assertEquals(decoded(new Uint8Array([...mark, ...units])), text);
    assertEquals(decoded(new Uint8Array([mark[0], 65])), "\ufffdA", "half a mark is none");
    assertEquals(decoded(new Uint8Array([65, mark[1]])), "A\ufffd", "half a mark is none");
  }
});

Deno.test("at a terminal it is said that standard input is read, and elsewhere nothing", () => {
  const { isTerminal } = Deno.stdin;
  const { error } = console;
  try {
    for (const [terminal, lines] of [[true, 1], [false, 0]] as const) {
      const said: string[] = [];
      console.error = (line) => said.push(line);
      Deno.stdin.isTerminal = () => terminal;
      standardInput();
      assertEquals(said.length, lines);
      for (const line of said) assertStringIncludes(line, "standard input");
    }
  } finally {
    Object.assign(Deno.stdin, { isTerminal });
    console.error = error;
  }
});

function inFolder(name: string, fn: (folder: string) => Promise<void>): void {
  Deno.test({
    name,
    // Links may lead anywhere, so making one needs permission to read and write everything.
    ignore: !granted("read", "write", "run") || Deno.build.os === "windows",
    async fn() {
      const folder = await Deno.realPath(await Deno.makeTempDir());
      try {
        await fn(folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

inFolder("links are followed to their end, and those in a circle to none", async (folder) => {
  const path = (name: string) => `${folder}/${name}`;
  for (const [from, to] of [["a", "b"], ["b", "c"], ["round", "about"], ["about", "round"]]) {
    await Deno.symlink(to!, path(from!));
  }
  assertEquals(await linkTarget(path("a")), path("c"));
  assertEquals(await linkTarget(path("c")), path("c"));
  assertEquals(await linkTarget(path("round")), path("round"));
});

inFolder("a chain of 39 links is followed, and a longer one isn't", async (folder) => {
  const path = (link: number) => `${folder}/${link}`;
  for (let link = 1; link <= 40; link++) await Deno.symlink(`${link - 1}`, path(link));
  assertEquals(await linkTarget(path(39)), path(0));
  assertEquals(await linkTarget(path(40)), path(40));
});

inFolder("what can't be written leaves nothing beside it", async (folder) => {
  const missing = `${folder}/missing/file`;
  await assertRejects(() => writeAtomically(missing, "new"), Deno.errors.NotFound);
  await assertRejects(() => writeAtomically(folder, "new"));
  assertEquals(await Array.fromAsync(Deno.readDir(folder)), []);
});

inFolder("a pipe is written to, and stays one", async (folder) => {
  const pipe = `${folder}/pipe`;
  const { success } = await new Deno.Command("mkfifo", { args: [pipe] }).output();
  assertEquals(success, true);
  const [read] = await Promise.all([Deno.readTextFile(pipe), writeAtomically(pipe, "text")]);
  assertEquals(read, "text");
  assertEquals((await Deno.lstat(pipe)).isFile, false);
});

inFolder(
  "a file is written anew behind its link, and who reads the old one reads it whole",
  async (folder) => {
    const [file, link] = [`${folder}/file`, `${folder}/link`];
    await Deno.writeTextFile(file, "old text");
    await Deno.symlink("file", link);
    using reader = await Deno.open(file);
    await writeAtomically(link, "new");
    const bytes = new Uint8Array(20);
    assertEquals(decoded(bytes.subarray(0, await reader.read(bytes) ?? 0)), "old text");
    assertEquals(await Deno.readTextFile(file), "new");
    assertEquals((await Deno.lstat(link)).isSymlink, true);
    assertEquals((await Array.fromAsync(Deno.readDir(folder))).length, 2);
  },
);

inFolder("a file that others may not read is written anew as such a one", async (folder) => {
  await Deno.writeTextFile(`${folder}/file`, "old", { mode: 0o600 });
  await writeAtomically(`${folder}/file`, "new");
  assertEquals((await Deno.stat(`${folder}/file`)).mode! & 0o777, 0o600);
});

Deno.test("relative files are where their user is, not where the task runs", () => {
  const path = (typed: string) => userPath(typed, "/home/someone");
  assertEquals(path("result.json"), "/home/someone/result.json");
  assertEquals(path("../a/b.json"), "/home/a/b.json");
  assertEquals(path("/tmp/result.json"), "/tmp/result.json");
  assertEquals(path("folder/"), "/home/someone/folder/");
  assertEquals(path(" "), " ");
});

Deno.test({
  name: "their user is where deno task was called",
  // The variable is left as it is, because these tests may run by deno task, beside others that read it.
  ignore: !granted("env"),
  fn: () => assertEquals(userFolder(), Deno.env.get("INIT_CWD") ?? "."),
});

Deno.test({
  name: "their user is here where the environment may not be read",
  permissions: "none",
  fn: () => assertEquals(userFolder(), "."),
});

Deno.test({
  name: "readText() reads no more than it may, of a device without end either",
  ignore: !granted("read", "write") || Deno.build.os === "windows",
  async fn() {
    const path = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(path, "\ufeff" + "ä".repeat(50_000));
      assertEquals(await readText(path, 100_003), "ä".repeat(50_000));
      await assertRejects(() => readText(path, 100_002), RangeError, "goes on beyond 100 kB");
      await assertRejects(
        () => readText("/dev/zero", 1_000_000),
        RangeError,
        "goes on beyond 1 MB",
      );
    } finally {
      await Deno.remove(path);
    }
  },
});

Deno.test({
  name:
    "what is of no use later is gone, at the end of its block and where the program ends at once",
  ignore: !granted("read", "write", "run"),
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/held`, "");
      {
        await using _ = passingPath(`${folder}/held`);
      }
      const module = new URL("../../lib/files/user_files.ts", import.meta.url).href;
      const code = `const { passingPath } = await import(${JSON.stringify(module)});
        Deno.mkdirSync(${JSON.stringify(folder)} + "/made");
        Deno.writeTextFileSync(${JSON.stringify(folder)} + "/made/file", "");
        passingPath(${JSON.stringify(folder)} + "/made");
        Deno.exit(7);`;
      const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
      const { code: ended } = await new Deno.Command(Deno.execPath(), {
        args: ["eval", "--config", config, code],
      }).output();
      assertEquals(ended, 7);
      assertEquals(await Array.fromAsync(Deno.readDir(folder)), []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** A command that takes from root the right to change read-only folders, which other users lack. */
const WITHOUT_LEAVE = ["setpriv", "--bounding-set", "-dac_override"];

Deno.test({
  name: "a file in a folder that may not be changed is written itself",
  ignore: !grantedAll() || Deno.build.os !== "linux" ||
    attempt(() => new Deno.Command("setpriv", { args: ["--version"] }).outputSync()) === undefined,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/old`, "what was there before");
      await Deno.chmod(folder, 0o555);
      const module = new URL("../../lib/files/user_files.ts", import.meta.url).href;
      const code = `const { writeAtomically } = await import(${JSON.stringify(module)});
        await writeAtomically(${JSON.stringify(folder)} + "/old", "new");
        await writeAtomically(${
        JSON.stringify(folder)
      } + "/none", "new").catch(() => Deno.exit(7));`;
      const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
      const [program, ...before] = [...(Deno.uid() === 0 ? WITHOUT_LEAVE : []), Deno.execPath()];
      const { code: ended } = await new Deno.Command(program!, {
        args: [...before, "eval", "--config", config, code],
      }).output();
      assertEquals([ended, await Deno.readTextFile(`${folder}/old`)], [7, "new"]);
    } finally {
      await Deno.chmod(folder, 0o755);
      await Deno.remove(folder, { recursive: true });
    }
  },
});

inFolder(
  "of a long file the beginning and the end are read, and of a short one all",
  async (folder) => {
    const path = `${folder}/long`;
    const edge = 1 << 16;
    for (const middle of [0, 1, edge - 3, edge]) {
      const text = `<${"a".repeat(edge - 1)}${"-".repeat(middle)}${"b".repeat(edge - 1)}>`;
      await Deno.writeTextFile(path, text);
      const [begin, end] = [text.slice(0, edge), text.slice(-edge)];
      assertEquals(await beginAndEnd(path) === begin + end, true, `${middle} between`);
    }
    await Deno.writeTextFile(path, "short");
    assertEquals(await beginAndEnd(path), "short");
    for (const none of [folder, `${folder}/none`]) assertEquals(await beginAndEnd(none), "");
  },
);
