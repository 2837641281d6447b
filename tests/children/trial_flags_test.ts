import { assert, assertEquals, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import { moduleFacts, trialFlags } from "../../lib/children/trial_flags.ts";
import type { Model } from "../../lib/models.ts";
import { UsageError } from "../../lib/text/option_values.ts";
import { granted } from "../granted.ts";

const ignore = !granted("run", "read");
const listening = new URL("./listening_child.ts", import.meta.url);
const DATA = "data:text/javascript,export default 1";
const job = {
  task: { module: DATA, export: "default" },
  items: { kind: "values" },
} as const;
const folder = (name: string) => fileURLToPath(new URL(`../../lib/${name}`, import.meta.url));

Deno.test("trialFlags() allow a job what it asks for, and its lanes what they need", async () => {
  const project = ["--no-config", "--no-lock"];
  assertEquals(await trialFlags(job, { model: "sequential" }), project);
  const read = `--allow-read=${folder("lanes")},${folder("tasks")}`;
  assertEquals(await trialFlags(job, { model: "workers" }), [...project, read]);
  const deno = Deno.execPath();
  assertEquals(
    await trialFlags({ ...job, permissions: { run: ["git"], net: true } }, { model: "processes" }),
    [
      ...project,
      "--allow-net",
      `--allow-run=git,${deno}`,
    ],
  );
  const all = { ...job, permissions: { read: true, run: true } };
  assertEquals(await trialFlags(all, { model: "processes" }), [
    ...project,
    "--allow-read",
    "--allow-run",
  ]);
});

Deno.test({
  name: "trialFlags() let a job's process read the modules of its task and its items",
  ignore,
  async fn() {
    const module = listening.href;
    const of = { ...job, items: { kind: "module", module } } as const;
    const flags = (await trialFlags(of, { model: "sequential" })).filter((flag) =>
      flag.startsWith("--allow")
    );
    assertEquals(flags.length, 1);
    const read = flags[0]!.replace("--allow-read=", "").split(",");
    const imported = new URL("../../lib/children/parent.ts", import.meta.url);
    for (const file of [listening, imported]) {
      assert(read.includes(fileURLToPath(file)), read.join());
    }
  },
});

const mayRun = granted("read", "write", "run");

/** Calls `check` with a temporary folder of these files. */
async function inFolder(
  files: Readonly<Record<string, string>>,
  check: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const [name, text] of Object.entries(files)) {
      const path = `${folder}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
    await check(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "a module in a folder with a comma is refused, unless all may be read",
  ignore: !mayRun,
  fn: () =>
    inFolder({ "a,b/job.js": "export default 1;" }, async (folder) => {
      const of = { ...job, task: { module: `file://${folder}/a,b/job.js`, export: "default" } };
      const model = "sequential";
      const { message } = await assertRejects(() => trialFlags(of, { model }), UsageError);
      assertEquals(message.includes("a,b/job.js") && message.includes("comma"), true, message);
      const flags = await trialFlags({ ...of, permissions: { read: true } }, { model });
      assertEquals(flags.at(-1), "--allow-read");
    }),
});

Deno.test("a module of data has no files, and no project", async () => {
  const module = "data:text/javascript,export default 1";
  assertEquals(await moduleFacts(module), { files: [], flags: ["--no-config", "--no-lock"] });
});

Deno.test({
  name: "a module is found out about in its own project, with what its import map names",
  ignore: !mayRun,
  fn: () =>
    inFolder({
      "deno.json": `{ "imports": { "@k/": "./k/" } }`,
      "k/k.ts": "export const k = 4;",
      "sub/deep.ts": `import { k } from "@k/k.ts"; export default k;`,
    }, async (folder) => {
      const { files, flags } = await moduleFacts(`file://${folder}/sub/deep.ts`);
      assertEquals(new Set(files), new Set([`${folder}/sub/deep.ts`, `${folder}/k/k.ts`]));
      assertEquals(flags, [`--config=${folder}/deno.json`, "--no-lock"]);
    }),
});

Deno.test({
  name: "a lock that holds what a module imports is kept to; another is left as it is",
  ignore: !mayRun,
  fn: () =>
    inFolder({
      "deno.json": "{}",
      "deno.lock": `{"version":"5"}`,
      "alone.ts": "export default 1;",
      "more.ts": `import width from "npm:fast-string-width@^3.0.2"; export default width;`,
    }, async (folder) => {
      const config = `--config=${folder}/deno.json`;
      assertEquals((await moduleFacts(`file://${folder}/alone.ts`)).flags, [config, "--frozen"]);
      assertEquals((await moduleFacts(`file://${folder}/more.ts`)).flags, [config, "--no-lock"]);
      assertEquals(await Deno.readTextFile(`${folder}/deno.lock`), `{"version":"5"}`);
    }),
});

Deno.test({
  name: "a lock that lacks the client of a cluster's server isn't kept to, unless it is frozen",
  ignore: !mayRun,
  fn: () =>
    inFolder({
      "free/deno.json": "{}",
      "frozen/deno.json": `{ "lock": { "frozen": true } }`,
      ...Object.fromEntries(
        ["free", "frozen"].flatMap((folder) => [
          [`${folder}/deno.lock`, `{"version":"5"}`],
          [`${folder}/alone.ts`, "export default 1;"],
        ]),
      ),
    }, async (root) => {
      const flagsOf = async (folder: string, model: Model) => {
        const task = { module: `file://${root}/${folder}/alone.ts`, export: "default" };
        const job = { task, items: { kind: "values" as const } };
        return (await trialFlags(job, { model }))[1];
      };
      assertEquals(await flagsOf("free", "limited"), "--frozen");
      assertEquals(await flagsOf("free", "cluster"), "--no-lock");
      assertEquals(await flagsOf("frozen", "limited"), "--frozen");
      const words = 'its frozen deno.lock lacks what cluster needs of npm; leave "frozen" out';
      await assertRejects(() => flagsOf("frozen", "cluster"), UsageError, words);
    }),
});

Deno.test({
  name: "of a module that can't be read its folder is given",
  ignore: !mayRun,
  async fn() {
    const module = new URL("./no_such_module.ts", import.meta.url);
    assertEquals((await moduleFacts(module.href)).files, [
      fileURLToPath(new URL(".", module)).slice(0, -1),
    ]);
  },
});
