import { assertEquals } from "@std/assert";
import { pathToFileURL } from "node:url";
import {
  nearestConfig,
  ofOneProject,
  programFlags,
  type ProjectFlags,
  projectFlags,
} from "../../lib/lanes/project.ts";
import { granted } from "../granted.ts";
import { importOf, printed, type StartOptions, withFiles } from "./small_program.ts";

// The configuration nearest to a module

/** Empty files, or folders for names that end with a slash. */
function empty(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, "{}"]));
}

function nearest(path: string): string | undefined {
  return nearestConfig(pathToFileURL(path).href);
}

const ignore = !granted("read", "write");

Deno.test({
  name: "the deno.json beside a module counts, else the one in the nearest folder above",
  ignore,
  fn: () =>
    withFiles(empty("deno.json", "a/deno.jsonc", "a/b/c/", "d/"), (root) => {
      assertEquals(nearest(`${root}/task.ts`), `${root}/deno.json`);
      assertEquals(nearest(`${root}/d/task.ts`), `${root}/deno.json`);
      assertEquals(nearest(`${root}/a/task.ts`), `${root}/a/deno.jsonc`);
      assertEquals(nearest(`${root}/a/b/c/task.ts`), `${root}/a/deno.jsonc`);
    }),
});

Deno.test({
  name: "deno.json goes before deno.jsonc, and a folder of that name doesn't count",
  ignore,
  fn: () =>
    withFiles(
      empty("deno.json", "both/deno.json", "both/deno.jsonc", "folder/deno.json/"),
      (root) => {
        assertEquals(nearest(`${root}/both/task.ts`), `${root}/both/deno.json`);
        assertEquals(nearest(`${root}/folder/task.ts`), `${root}/deno.json`);
      },
    ),
});

Deno.test({
  name: "a package.json is no deno.json, with or without its node_modules",
  ignore,
  fn: () =>
    withFiles(empty("deno.json", "a/package.json", "a/node_modules/"), (root) => {
      assertEquals(nearest(`${root}/a/task.ts`), `${root}/deno.json`);
    }),
});

Deno.test({
  name: "what was found once is not looked for again",
  ignore,
  async fn() {
    let module = "";
    let wanted = "";
    await withFiles(empty("deno.json"), (root) => {
      module = `${root}/again.ts`;
      wanted = `${root}/deno.json`;
      assertEquals(nearest(module), wanted);
    });
    assertEquals(nearest(module), wanted);
  },
});

Deno.test("modules that are no files have none", () => {
  for (const module of ["https://example.com/a.ts", "data:text/javascript,1", "npm:x"]) {
    assertEquals(nearestConfig(module), undefined);
  }
});

/** The configuration nearest to a module, for a program that may read only lib and this folder. */
async function nearestWithin(folder: string, path: string): Promise<unknown> {
  const code = `${importOf("nearestConfig", "project.ts")}
    print(nearestConfig(${JSON.stringify(pathToFileURL(path).href)}))`;
  const lib = new URL("../../lib", import.meta.url).pathname;
  return await printed(code, { flags: [`--allow-read=${lib},${folder}`] });
}

Deno.test({
  name: "what may not be read is not told, and not asked for",
  ignore: !granted("read", "write", "run"),
  fn: () =>
    withFiles(empty("deno.json", "a/"), async (root) => {
      assertEquals(await nearestWithin(`${root}/a`, `${root}/a/task.ts`), null);
    }),
});

Deno.test({
  name: "a deno.json that may be read is told, though a lock may not be looked for above it",
  ignore: !granted("read", "write", "run"),
  fn: () =>
    withFiles(empty("deno.json", "a/"), async (root) => {
      assertEquals(await nearestWithin(root, `${root}/a/task.ts`), `${root}/deno.json`);
    }),
});

// The flags for a child

/** The flags for tasks of these modules, in a program started with these options. */
async function flagsFor(
  modules: readonly string[],
  { config, ...options }: StartOptions & { readonly config?: string } = {},
): Promise<ProjectFlags> {
  const code = `${importOf("projectFlags", "project.ts")}
    print(projectFlags(...${
    JSON.stringify([modules, config ?? null])
  }.map((it) => it ?? undefined)))`;
  return await printed(code, { flags: ["-A"], ...options }) as ProjectFlags;
}

/** The flags, after a check that none of them depends on a lock file. */
async function unlockedFor(...args: Parameters<typeof flagsFor>): Promise<readonly string[]> {
  const { flags, unlocked } = await flagsFor(...args);
  assertEquals(flags, unlocked);
  return flags;
}

/** Tests with a folder of these files. */
function test(
  name: string,
  files: readonly string[],
  fn: (root: string, module: (path: string) => string) => Promise<void>,
): void {
  Deno.test({
    name,
    // Only on Linux can a program see how it was started.
    ignore: !granted("read", "write", "run") || Deno.build.os !== "linux",
    fn: () =>
      withFiles(
        empty(...files),
        (root) => fn(root, (path) => pathToFileURL(`${root}/${path}`).href),
      ),
  });
}

test("a child of tasks in no project is told that there is none", ["a/"], async (_root, module) => {
  const none = ["--no-config", "--no-lock"];
  for (const task of [module("a/task.ts"), "data:text/javascript,1", "npm:x"]) {
    assertEquals(await unlockedFor([task]), none);
  }
  assertEquals(await unlockedFor([]), none);
});

test("a child is told of the deno.json nearest to the first task that has one", [
  "deno.json",
  "a/deno.jsonc",
], async (root, module) => {
  const modules = ["npm:x", module("a/task.ts"), module("task.ts")];
  assertEquals(await unlockedFor(modules), [`--config=${root}/a/deno.jsonc`, "--no-lock"]);
});

test("the lock of a project, or of the workspace above it, is held to and never written", [
  "deno.lock",
  "a/deno.json",
  "b/deno.json",
  "b/deno.lock",
], async (root, module) => {
  for (const member of ["a", "b"]) {
    const config = `--config=${root}/${member}/deno.json`;
    assertEquals(await flagsFor([module(`${member}/task.ts`)]), {
      flags: [config, "--frozen"],
      unlocked: [config, "--no-lock"],
    });
  }
});

Deno.test({
  name: "a lock that is frozen is kept to, whatever it lacks",
  ignore: !granted("read", "write"),
  fn: () =>
    withFiles({ "deno.jsonc": `{ "lock": { "frozen": true } }`, "deno.lock": "{}" }, (root) => {
      const locked = [`--config=${root}/deno.jsonc`, "--frozen"];
      const told = projectFlags([`file://${root}/task.ts`], undefined, []);
      assertEquals(told, { flags: locked, unlocked: locked });
    }),
});

test("packages of Node that stand nearer than a deno.json are used as they are there", [
  "deno.json",
  "a/package.json",
  "a/node_modules/",
  "a/b/",
  "bare/package.json",
  "foreign/node_modules/",
], async (root, module) => {
  const config = `--config=${root}/deno.json`;
  for (const folder of ["a", "a/b"]) {
    assertEquals(await unlockedFor([module(`${folder}/task.ts`)]), [
      config,
      "--node-modules-dir=manual",
      DETECT,
      "--no-lock",
    ]);
  }
  assertEquals(await unlockedFor([module("bare/task.ts")]), [config, DETECT, "--no-lock"]);
  assertEquals(await unlockedFor([module("foreign/task.ts")]), [config, "--no-lock"]);
});

test("packages of Node are used where there is no deno.json at all", [
  "package.json",
  "node_modules/",
], async (_root, module) => {
  const flags = ["--no-config", "--node-modules-dir=manual", DETECT, "--no-lock"];
  assertEquals(await unlockedFor([module("task.ts")]), flags);
});

const DETECT = "--unstable-detect-cjs";

/** The flags for `a/b/task.ts` in a folder of these files, without the folder's path. */
async function flagsIn(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  let found: readonly string[] = [];
  await withFiles({ "a/b/task.ts": "", ...files }, (root) => {
    const { unlocked } = projectFlags([`file://${root}/a/b/task.ts`], undefined, []);
    found = unlocked.map((flag) => flag.replace(root, ""));
  });
  return found;
}

Deno.test({
  name: "a module may be CommonJS if the nearest package.json doesn't say that it isn't",
  ignore,
  async fn() {
    const [commonJs, esm] = ["commonjs", "module"].map((type) => `{ "type" : "${type}" }`);
    for (const own of [commonJs!, "{}"]) {
      const alone = ["--no-config", DETECT, "--no-lock"];
      assertEquals(await flagsIn({ "a/package.json": own }), alone);
      assertEquals(await flagsIn({ "a/package.json": own, "package.json": esm! }), alone);
      for (const config of ["deno.json", "a/deno.json"]) {
        const both = [`--config=/${config}`, DETECT, "--no-lock"];
        assertEquals(await flagsIn({ "a/package.json": own, [config]: "{}" }), both);
      }
    }
    const none = ["--no-config", "--no-lock"];
    assertEquals(await flagsIn({ "a/package.json": esm!, "package.json": commonJs! }), none);
  },
});

Deno.test({
  name: "a package.json without node_modules counts for the modules that it names",
  ignore,
  async fn() {
    const imports = `{ "imports" : { "#q": "./q.js" } }`;
    const packages = "--node-modules-dir=manual";
    const exports = `{ "name": "a", "exports": { "./q": "./q.js" } }`;
    for (const own of [imports, exports]) {
      assertEquals(await flagsIn({ "a/b/task.ts": "", "a/package.json": own }), [
        "--no-config",
        packages,
        DETECT,
        "--no-lock",
      ]);
    }
    for (
      const [config, ...flags] of [["{}", packages, DETECT], [`{ "workspace": ["./a"] }`, DETECT]]
    ) {
      const files = { "deno.json": config!, "a/package.json": imports, "a/b/task.ts": "" };
      assertEquals(await flagsIn(files), ["--config=/deno.json", ...flags, "--no-lock"]);
    }
  },
});

test("flags of the program that say what modules mean go before what stands beside them", [
  "deno.json",
  "deno.lock",
  "own.json",
  "map.json",
  "task.ts",
], async (root, module) => {
  const config = `--config=${root}/deno.json`;
  const own = `--config=${root}/own.json`;
  const lock = `--lock=${root}/deno.lock`;
  const cases: readonly (readonly [given: readonly string[], told: readonly string[]])[] = [
    [["--no-lock"], ["--no-lock", config]],
    [["--unstable-kv", "--seed=4", "--quiet"], ["--unstable-kv", config, "--frozen"]],
    [[own], [own, "--no-lock"]],
    [["--no-config"], ["--no-config", "--no-lock"]],
    [[own, lock], [own, lock]],
    [[`--import-map=${root}/map.json`, "--no-npm"], [
      `--import-map=${root}/map.json`,
      "--no-npm",
      config,
      "--frozen",
    ]],
    [["--location", "http://a.b"], ["--location=http://a.b", config, "--frozen"]],
  ];
  for (const [given, told] of cases) {
    const { flags } = await flagsFor([module("task.ts")], { flags: ["-A", ...given] });
    assertEquals([given, flags], [given, told]);
  }
});

test("relative paths of the program's flags are meant from where it was started", [
  "own.json",
  "a/map.json",
], async (root, module) => {
  const flags = ["-A", "--config=own.json", "--import-map", "a/map.json"];
  assertEquals(await unlockedFor([module("task.ts")], { flags, cwd: root }), [
    `--config=${root}/own.json`,
    `--import-map=${root}/a/map.json`,
    "--no-lock",
  ]);
});

test("the deno.json that the caller names goes before the program's and all others", [
  "deno.json",
  "deno.lock",
  "own.json",
  "named.json",
], async (root, module) => {
  const config = `${root}/named.json`;
  const told = [`--config=${config}`, "--no-lock"];
  for (const own of [[], [`--config=${root}/own.json`], ["--no-config"]]) {
    const flags = ["-A", ...own];
    assertEquals(await unlockedFor([module("task.ts")], { config, flags }), told);
  }
});

test("a program that can't see its flags goes by what stands near to the tasks", [
  "deno.json",
], async (root, module) => {
  const flags = ["--allow-read", "--no-lock", "--unstable-kv"];
  const told = [`--config=${root}/deno.json`, "--no-lock"];
  assertEquals(await unlockedFor([module("task.ts")], { flags }), told);
});

const CODE = `${importOf("programFlags", "project.ts")} print(programFlags())`;
/** The flags that every program here is started with. */
const OWN = ["--quiet", "--no-prompt"];

function testFlags(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name,
    ignore: !granted("run", "read", "write") || Deno.build.os !== "linux",
    fn,
  });
}

/** Flags as they are given, and as the program sees them. */
const cases:
  readonly (readonly [name: string, given: readonly string[], seen: readonly string[]])[] = [
    ["a program sees the flags that stand before its file", ["-A", "--no-lock"], [
      "-A",
      "--no-lock",
    ]],
    [
      "a value that is a word of its own is put behind its flag",
      ["-A", "--location", "http://a.b", "--seed", "4", "--no-lock"],
      ["-A", "--location=http://a.b", "--seed=4", "--no-lock"],
    ],
    [
      "the value of a flag may be a module, which isn't the program",
      ["-A", "--preload", "data:text/javascript,1", "--no-lock"],
      ["-A", "--preload=data:text/javascript,1", "--no-lock"],
    ],
    [
      "what Deno logs is told by a word of its own",
      ["-A", "--log-level", "info", "--no-lock"],
      ["-A", "--log-level=info", "--no-lock"],
    ],
    [
      "a condition is a word of its own",
      ["-A", "--conditions", "development", "--no-lock"],
      ["-A", "--conditions=development", "--no-lock"],
    ],
    [
      "a flag whose value can't be a word of its own leaves the program's file alone",
      ["-A", "--env-file"],
      ["-A", "--env-file"],
    ],
  ];

for (const [name, flags, seen] of cases) {
  testFlags(name, async () => {
    // Arguments after the program's file are the program's own.
    assertEquals(await printed(CODE, { flags, args: ["--no-config"] }), [...OWN, ...seen]);
  });
}

testFlags("flags are seen without a command too", async () => {
  assertEquals(await printed(CODE, { command: "", flags: ["-A"] }), [...OWN, "-A"]);
});

testFlags("a short flag is known by its long name", async () => {
  await withFiles({ "deno.json": "{}" }, async (folder) => {
    const flags = ["-A", "-c", `${folder}/deno.json`];
    const seen = [...OWN, "-A", `--config=${folder}/deno.json`];
    assertEquals(await printed(CODE, { flags }), seen);
  });
});

testFlags("a program that may not do everything doesn't know its flags", async () => {
  const lib = new URL("../../lib", import.meta.url).pathname;
  for (const flag of [`--allow-read=${lib}`, "--allow-read", "--allow-net"]) {
    assertEquals(await printed(CODE, { flags: [flag, `--allow-import`] }), null);
  }
});

Deno.test("to ask twice gives the same, whatever is known", () => {
  assertEquals(programFlags(), programFlags());
});

Deno.test({
  name: "a child gets the modules of the first one's project, and code in URLs, which has none",
  ignore,
  fn: () =>
    withFiles(empty("a/deno.json", "b/deno.json"), (root) => {
      const [one, other, also] = ["a/1.ts", "b/2.ts", "a/3.ts"]
        .map((path) => pathToFileURL(`${root}/${path}`).href);
      const code = "data:text/javascript,";
      assertEquals(ofOneProject([code, one!, other!, also!]), [code, one, also]);
      assertEquals(ofOneProject([other!, one!, code]), [other, code]);
      assertEquals(ofOneProject([code]), [code]);
    }),
});
