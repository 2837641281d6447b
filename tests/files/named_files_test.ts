import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { pathToFileURL } from "node:url";
import {
  inputFile,
  jobModule,
  outputFile,
  requireDistinct,
  urlsIn,
} from "../../lib/files/named_files.ts";
import { UsageError } from "../../lib/text/option_values.ts";
import { granted } from "../granted.ts";

const ignore = !granted("read", "write");

async function withFile(text: string, use: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test({
  name: "a list of addresses may have comments, blank lines and any line ends",
  ignore,
  fn: () =>
    withFile("\ufeff# mine\r\nhttp://a.test/1\r\n\n  http://a.test/2  \n", async (path) => {
      const urls = await urlsIn("--urls", path);
      assertEquals(urls.map(({ href }) => href), ["http://a.test/1", "http://a.test/2"]);
    }),
});

Deno.test({
  name: "an empty list, one of comments, and a line that is no address are refused",
  ignore,
  async fn() {
    for (const text of ["", "\n\n", "# none\n"]) {
      await withFile(text, async (path) => {
        const error = await assertRejects(() => urlsIn("--urls", path), UsageError);
        assertStringIncludes(error.message, "no address in it");
      });
    }
    await withFile("http://a.test/\nfile:///etc/passwd\n", async (path) => {
      const error = await assertRejects(() => urlsIn("--urls", path), UsageError);
      assertStringIncludes(error.message, "--urls, line 2");
    });
  },
});

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

async function rejected(run: () => Promise<unknown>): Promise<string> {
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

fileTest("a path that is too long is told once, and not whole", async (folder) => {
  const path = `${folder}/${"x".repeat(5_000)}`;
  for (const check of [outputFile, inputFile]) {
    const { message } = await assertRejects(() => check("--json", path), UsageError);
    assertMatch(message, /…": File name too long[^/]*; choose another path$/);
  }
});

fileTest("outputFile() leaves what is there as it is", async (folder) => {
  await Deno.writeTextFile(`${folder}/a.json`, "old");
  await outputFile("--json", `${folder}/a.json`);
  assertEquals(await Deno.readTextFile(`${folder}/a.json`), "old");
});

fileTest(
  "outputFile() tells of a folder that isn't there before anything is measured",
  async (folder) => {
    assertMatch(
      await rejected(() => outputFile("--json", `${folder}/no/a.json`)),
      /^--json ".*": its folder doesn't exist; make the folder first/,
    );
  },
);

fileTest("outputFile() refuses folders, files as folders, and no name", async (folder) => {
  await Deno.writeTextFile(`${folder}/file`, "");
  assertMatch(await rejected(() => outputFile("--json", folder)), /a folder, not a file/);
  assertMatch(await rejected(() => outputFile("--json", `${folder}/new/`)), /folder/);
  assertMatch(await rejected(() => outputFile("--json", `${folder}/file/a`)), /folder is a file/);
  assertMatch(await rejected(() => outputFile("--json", "")), /no file is named/);
  await rejected(() => outputFile("--json", `${folder}/a\0b`));
  await rejected(() => outputFile("--json", `${folder}/${"x".repeat(300)}`));
});

Deno.test({
  name: "outputFile() offers no flag where the task fixes them",
  permissions: { read: "inherit", write: false },
  ignore: Deno.permissions.querySync({ name: "read" }).state !== "granted",
  fn: async () => {
    assertMatch(
      await rejected(() => outputFile("--json", "a.json")),
      /no right to it; choose another path$/,
    );
  },
});

Deno.test({
  name: "inputFile() offers no flag where the task fixes them",
  permissions: { read: false },
  fn: async () => {
    assertMatch(
      await rejected(() => inputFile("--urls", "a.txt")),
      /no right to it; choose another path$/,
    );
  },
});

fileTest("inputFile() takes a file that can be read", async (folder) => {
  await Deno.writeTextFile(`${folder}/a`, "12345");
  assertEquals(await inputFile("--urls", `${folder}/a`, { maxBytes: 5 }), `${folder}/a`);
});

fileTest("inputFile() refuses what isn't there, folders, and what is too large", async (folder) => {
  await Deno.writeTextFile(`${folder}/a`, "12345");
  assertMatch(await rejected(() => inputFile("--urls", `${folder}/b`)), /no such file/);
  assertMatch(await rejected(() => inputFile("--urls", folder)), /a folder, not a file/);
  assertMatch(
    await rejected(() => inputFile("--urls", `${folder}/a`, { maxBytes: 4 })),
    /too large with 5 bytes; give a file of at most 4 bytes/,
  );
  assertMatch(await rejected(() => inputFile("--urls", " ")), /no file is named/);
});

fileTest("requireDistinct() knows a file again by every path and link to it", async (folder) => {
  await Deno.writeTextFile(`${folder}/old.json`, "old");
  await Deno.mkdir(`${folder}/sub`);
  await Deno.symlink(`${folder}/old.json`, `${folder}/soft.json`);
  await Deno.symlink(folder, `${folder}/sub/around`);
  await Deno.link(`${folder}/old.json`, `${folder}/hard.json`);
  const read = [{ option: "--baseline", path: `${folder}/old.json` }];
  const paths = ["old.json", "sub/../old.json", "soft.json", "hard.json", "sub/around/old.json"];
  for (const path of paths) {
    const output = { option: "--json", path: `${folder}/${path}` };
    assertMatch(
      await rejected(() => requireDistinct([output], read)),
      /^--json ".*": the same file as --baseline, which is read; give it a name of its own$/,
    );
  }
  await requireDistinct([{ option: "--json", path: `${folder}/new.json` }], read);
  assertEquals(await Deno.readTextFile(`${folder}/old.json`), "old");
});

Deno.test({
  name: "a file that is made for a moment stays if a run has begun to use it",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir();
    const { tryLock } = Deno.FsFile.prototype;
    try {
      await outputFile("--out", `${folder}/free`);
      Deno.FsFile.prototype.tryLock = () => Promise.resolve(false);
      await outputFile("--out", `${folder}/used`);
      const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
      assertEquals(names, ["used"]);
    } finally {
      Deno.FsFile.prototype.tryLock = tryLock;
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("requireDistinct() lets standard input be read for one thing", async () => {
  const inputs = ["--advice", "--from"].map((option) => ({ option, path: "-" }));
  await requireDistinct([], inputs.slice(1));
  assertEquals(
    await rejected(() => requireDistinct([], inputs)),
    '--from "-": the same file as --advice, which is read; give it a name of its own',
  );
});

fileTest("requireDistinct() refuses two outputs that will be one file", async (folder) => {
  await Deno.symlink(`${folder}/later.csv`, `${folder}/link.csv`);
  for (const other of ["later.csv", "link.csv"]) {
    const outputs = [
      { option: "--json", path: `${folder}/${other}` },
      { option: "--csv", path: `${folder}/./link.csv` },
    ];
    assertMatch(
      await rejected(() => requireDistinct(outputs, [])),
      /^--csv ".*": the same file as --json; /,
    );
  }
  assertEquals(await names(folder), ["link.csv"]);
});

fileTest("several programs may check the same files at once, and leave none", async (folder) => {
  const check = async () => {
    const path = await outputFile("--json", `${folder}/same.json`);
    await requireDistinct([
      { option: "--json", path },
      { option: "--html", path: `${folder}/same.html` },
    ], []);
  };
  await Promise.all(Array.from({ length: 50 }, check));
  assertEquals(await names(folder), []);
});

fileTest("outputFile() takes a link that leads nowhere yet", async (folder) => {
  await Deno.symlink(`${folder}/later.json`, `${folder}/link.json`);
  await Deno.symlink("link.json", `${folder}/relative.json`);
  await outputFile("--json", `${folder}/link.json`);
  await outputFile("--json", `${folder}/relative.json`);
  assertEquals((await names(folder)).toSorted(), ["link.json", "relative.json"]);
  await Deno.symlink(`${folder}/gone/later.json`, `${folder}/lost.json`);
  assertMatch(
    await rejected(() => outputFile("--json", `${folder}/lost.json`)),
    /its folder doesn't exist; make the folder first, or choose another$/,
  );
});

fileTest(
  "outputFile() leaves a file that another program has written meanwhile",
  async (folder) => {
    const { stat } = Deno.FsFile.prototype;
    Deno.FsFile.prototype.stat = function () {
      Deno.writeTextFileSync(`${folder}/a.json`, "theirs");
      return stat.call(this);
    };
    try {
      await outputFile("--json", `${folder}/a.json`);
    } finally {
      Deno.FsFile.prototype.stat = stat;
    }
    assertEquals(await Deno.readTextFile(`${folder}/a.json`), "theirs");
  },
);

fileTest("jobModule() gives the URL of a module, however that is named", async (folder) => {
  const path = `${folder}/job #1?.js`;
  await Deno.writeTextFile(path, "");
  const { href } = pathToFileURL(path);
  for (const typed of [path, href, href.replace("file:", "FILE:"), `${href}?again#here`]) {
    assertEquals(await jobModule(typed), href, typed);
  }
});

fileTest("jobModule() refuses what is no local file, and says why", async (folder) => {
  await Deno.writeTextFile(`${folder}/job.js`, "");
  const cases = [
    [`${folder}/none.js`, "there is no such file"],
    [`${folder}/job.js/none.js`, "there is no such file"],
    [`${folder}/${"x".repeat(300)}.js`, "it can't be read"],
    [folder, "a folder; name the module's file in it"],
    ["file://there/job.js", "not a local file; write file:///path/to/job.ts"],
    ["file://:/", "not a local file; write file:///path/to/job.ts"],
    ["https://there/job.js", "not a local file; save it here"],
    ["npm:job@1", "not a local file; save it here"],
    ["", "no file is named"],
    [" ", "no file is named"],
  ] as const;
  for (const [typed, words] of cases) {
    const message = await rejected(() => jobModule(typed));
    assertMatch(message, /^module "/);
    assertStringIncludes(message, words);
  }
});
