/**
 * A task runs with the configuration of its own project, in subprocesses too, and never with this library's.
 * Each case is a temporary folder.
 */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { pathToFileURL } from "node:url";
import { processes, type Task, TaskLoadError } from "../../lib/mod.ts";
import { MAY_RUN, run } from "./programs/run_program.ts";

type Files = Readonly<Record<string, string>>;

/** A temporary folder with these files, removed when it is disposed. */
class Folder implements AsyncDisposable {
  readonly path: string;

  constructor(files: Files) {
    this.path = Deno.makeTempDirSync();
    for (const [name, text] of Object.entries(files)) {
      Deno.mkdirSync(`${this.path}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      Deno.writeTextFileSync(`${this.path}/${name}`, text);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

function project(name: string, files: Files, fn: (folder: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !MAY_RUN,
    async fn() {
      await using folder = new Folder(files);
      await fn(folder.path);
    },
  });
}

async function given(task: string, flags: readonly string[] = []): Promise<string> {
  const { stdout, stderr } = await run("any_task.ts", ["processes", task], "", [
    "--no-lock",
    ...flags,
  ]);
  assert(stdout !== "", stderr);
  return stdout.trim();
}

const TASK = `import { name } from "thing"; export default () => name;`;

project("a task's imports go by the deno.json that stands nearest to it", {
  "deno.json": `{ "imports": { "thing": "./outer.ts" } }`,
  "outer.ts": `export const name = "outer";`,
  "in/deno.jsonc": `{ "imports": { "thing": "./inner.ts" } } // as written by people`,
  "in/inner.ts": `export const name = "inner";`,
  "in/deep/task.ts": TASK,
  "task.ts": TASK,
}, async (folder) => {
  assertEquals(await given(`${folder}/in/deep/task.ts`), "inner");
});

project("a task's packages are those of its own package.json", {
  "package.json": `{ "dependencies": { "thing": "1" } }`,
  "node_modules/thing/package.json":
    `{ "name": "thing", "version": "1.0.0", "type": "module", "exports": "./index.js" }`,
  "node_modules/thing/index.js": `export const name = "package";`,
  "src/task.ts": TASK,
}, async (folder) => assertEquals(await given(`${folder}/src/task.ts`), "package"));

project("a task without a project isn't given this library's imports", {
  "task.ts": `import { z } from "zod"; export default () => String(z);`,
}, async (folder) => {
  const told = await given(`${folder}/task.ts`);
  assertStringIncludes(told, "TaskLoadError");
  assertStringIncludes(told, "zod");
});

project("tasks of several projects on one executor each keep their own, in any order", {
  "one/deno.json": `{ "imports": { "thing": "./thing.ts" } }`,
  "one/thing.ts": `export const name = "one";`,
  "one/task.ts": TASK,
  "two/deno.json": `{ "imports": { "thing": "./thing.ts" } }`,
  "two/thing.ts": `export const name = "two";`,
  "two/task.ts": TASK,
  "three/package.json": `{ "dependencies": { "thing": "1" } }`,
  "three/node_modules/thing/package.json":
    `{ "name": "thing", "version": "1.0.0", "type": "module", "exports": "./index.js" }`,
  "three/node_modules/thing/index.js": `export const name = "three";`,
  "three/task.ts": TASK,
}, async (folder) => {
  await using executor = processes({ lanes: 1, stderr: "keep" });
  const names = ["one", "two", "three", "two", "one", "three"];
  for (const name of names) {
    const task = { module: pathToFileURL(`${folder}/${name}/task.ts`).href, export: "default" };
    assertEquals(await executor.map(task as Task<unknown>, [1]).toArray(), [name]);
  }
  // The result is the same if all run at the same time.
  const given = await Promise.all(names.map((name) => {
    const task = { module: pathToFileURL(`${folder}/${name}/task.ts`).href, export: "default" };
    return executor.map(task as Task<unknown>, [1, 2, 3], { chunk: 1 }).toArray();
  }));
  assertEquals(given, names.map((name) => [name, name, name]));
});

project("no lock is written or changed for a task", {
  "deno.json": "{}",
  "task.ts": `import ms from "npm:pretty-ms@^9.3.1"; export default () => ms(1000);`,
  "locked/deno.json": "{}",
  "locked/deno.lock": `{ "version": "5" }`,
  "locked/task.ts": `import ms from "npm:pretty-ms@^9.3.1"; export default () => ms(2000);`,
}, async (folder) => {
  // A lane takes packages only from Deno's cache, and on a fresh machine this one isn't there yet.
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", "--no-lock", `--config=${folder}/deno.json`, `${folder}/task.ts`],
    stdin: "null",
  }).output();
  assert(success, "the package can't be cached");
  assertEquals(await given(`${folder}/task.ts`), "1s");
  assertEquals(await given(`${folder}/locked/task.ts`), "2s");
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
    "deno.json",
    "locked",
    "task.ts",
  ]);
  assertEquals(Deno.readTextFileSync(`${folder}/locked/deno.lock`), `{ "version": "5" }`);
});

/** Serves a module at every address. */
function served(code: string): Deno.HttpServer<Deno.NetAddr> {
  const headers = { "content-type": "application/typescript", connection: "close" };
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  return Deno.serve(options, () => new Response(code, { headers }));
}

project("a module of the web is loaded as in the other models", {}, async () => {
  await using server = served("export default (n: number) => n + 41;");
  const url = `http://127.0.0.1:${server.addr.port}/${crypto.randomUUID()}.ts`;
  assertEquals(await given(url), "42");
});

project(
  "a task's module imports from the hosts that permissions name, and from no others",
  {},
  async () => {
    await using far = served("export const n = 41;");
    const host = `127.0.0.1:${far.addr.port}`;
    await using near = served(`import { n } from "http://${host}/${crypto.randomUUID()}.ts";
    export default (hosts: string[]) => [n, ...hosts.map((host) =>
      Deno.permissions.querySync({ name: "import", host }).state)];`);
    const own = `127.0.0.1:${near.addr.port}`;
    const module = `http://${own}/${crypto.randomUUID()}.ts`;
    const task = { module, export: "default" } as Task<unknown>;
    await using refused = processes({ lanes: 1, stderr: "keep" });
    await assertRejects(
      () => refused.run(task, []),
      TaskLoadError,
      "which processes() is given as permissions: { import: … }",
    );
    await using executor = processes({ lanes: 1, stderr: "keep", permissions: { import: [host] } });
    const asked = [own, host, "127.0.0.1:1"];
    assertEquals(await executor.run(task, asked), [41, "granted", "granted", "prompt"]);
  },
);

for (const model of ["sequential", "workers", "processes"]) {
  project(
    `${model}: a link that leads nowhere is told to be that, a task's module or one that it imports`,
    {
      "imports.ts": `import "./gone.ts"; export default () => 1;`,
      "reads.ts":
        `export const text = Deno.readTextFileSync(new URL("no.txt", import.meta.url)); export default () => 1;`,
    },
    async (folder) => {
      await Deno.symlink("./nowhere.ts", `${folder}/gone.ts`);
      for (const name of ["gone", "imports"]) {
        const { stdout } = await run("any_task.ts", [model, `${folder}/${name}.ts`]);
        assertMatch(
          stdout,
          /^TaskLoadError: Cannot load task module .*: Module not found ".*gone.ts"/,
        );
        assert(!stdout.includes("access"), stdout);
      }
      if (model !== "processes") return;
      // What a module reads itself needs a permission, whether it is there or not.
      const { stdout } = await run("any_task.ts", [model, `${folder}/reads.ts`]);
      assertStringIncludes(stdout, "Requires read access");
    },
  );
}
