import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { inputFile, outputFile, UsageError } from "../../lib/options.ts";
import { granted } from "../granted.ts";

const ignore = !granted("read", "write");

function fileTest(name: string, run: (folder: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    fn: async () => {
      const folder = await Deno.makeTempDir();
      try {
        await run(folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

async function refused(run: () => Promise<unknown>): Promise<string> {
  const error = await assertRejects(run, UsageError);
  assertEquals(error.message.includes("\n"), false);
  return error.message;
}

async function names(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir(folder)) found.push(name);
  return found;
}

fileTest(
  "outputFile() takes a file that isn't there yet, and leaves none behind",
  async (folder) => {
    assertEquals(await outputFile("--json", `${folder}/a.json`), `${folder}/a.json`);
    assertEquals(await names(folder), []);
  },
);

fileTest("outputFile() leaves what is there as it is", async (folder) => {
  await Deno.writeTextFile(`${folder}/a.json`, "old");
  await outputFile("--json", `${folder}/a.json`);
  assertEquals(await Deno.readTextFile(`${folder}/a.json`), "old");
});

fileTest(
  "outputFile() tells of a folder that isn't there before anything is measured",
  async (folder) => {
    assertMatch(
      await refused(() => outputFile("--json", `${folder}/no/a.json`)),
      /^--json ".*": its folder doesn't exist; make the folder first/,
    );
  },
);

fileTest("outputFile() refuses folders, files as folders, and no name", async (folder) => {
  await Deno.writeTextFile(`${folder}/file`, "");
  assertMatch(await refused(() => outputFile("--json", folder)), /a folder, not a file/);
  assertMatch(await refused(() => outputFile("--json", `${folder}/new/`)), /folder/);
  assertMatch(await refused(() => outputFile("--json", `${folder}/file/a`)), /folder is a file/);
  assertMatch(await refused(() => outputFile("--json", "")), /no file is named/);
  await refused(() => outputFile("--json", `${folder}/a\0b`));
  await refused(() => outputFile("--json", `${folder}/${"x".repeat(300)}`));
});

Deno.test({
  name: "outputFile() names the flag that is missing",
  permissions: { read: "inherit", write: false },
  ignore: Deno.permissions.querySync({ name: "read" }).state !== "granted",
  fn: async () => {
    assertMatch(
      await refused(() => outputFile("--json", "a.json")),
      /run again with --allow-write/,
    );
  },
});

Deno.test({
  name: "inputFile() names the flag that is missing",
  permissions: { read: false },
  fn: async () => {
    assertMatch(await refused(() => inputFile("--urls", "a.txt")), /run again with --allow-read/);
  },
});

fileTest("inputFile() takes a file that can be read", async (folder) => {
  await Deno.writeTextFile(`${folder}/a`, "12345");
  assertEquals(await inputFile("--urls", `${folder}/a`, { maxBytes: 5 }), `${folder}/a`);
});

fileTest("inputFile() refuses what isn't there, folders, and what is too large", async (folder) => {
  await Deno.writeTextFile(`${folder}/a`, "12345");
  assertMatch(await refused(() => inputFile("--urls", `${folder}/b`)), /no such file/);
  assertMatch(await refused(() => inputFile("--urls", folder)), /a folder, not a file/);
  assertMatch(
    await refused(() => inputFile("--urls", `${folder}/a`, { maxBytes: 4 })),
    /too large with 5 bytes; give a file of at most 4 bytes/,
  );
  assertMatch(await refused(() => inputFile("--urls", " ")), /no file is named/);
});
