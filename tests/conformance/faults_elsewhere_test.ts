/**
 * The library in a user's own program: outside of this project, imported by path, by name and over http, in
 * projects of every kind. Each case is a temporary folder.
 */

import { assertEquals } from "@std/assert";
import { fileURLToPath, pathToFileURL } from "node:url";
import { MAY_RUN } from "./programs/run_program.ts";

const ROOT = new URL("../../", import.meta.url);
const MODELS = ["sequential", "concurrent", "limited", "workers", "processes"];

/** The code of a program that runs a greeting task in every model. */
function program(library: string, greet = `new URL("./greet.ts", import.meta.url)`): string {
  return `
import { concurrent, limited, processes, sequential, task, workers } from ${
    JSON.stringify(library)
  };
const greet = task<typeof import("./greet.ts")>(${greet});
// With --check, Deno checks the library's types anew for each thread, which takes long on a busy machine.
const options = { loadTimeoutMs: 300_000 };
for (const open of [sequential, concurrent, limited, workers, processes]) {
  await using executor = open();
  const words: string[] = await executor.map(greet, [1, 2], options).toArray();
  console.log(executor.model, ...words, await executor.run(greet, 3, options));
}
`;
}

const GREET = `import { word } from "words"; export default (n: number): string => word + n;`;
const WORDS = { "words.ts": `export const word = "hello";` };

type Files = Readonly<Record<string, string>>;

/** Runs `main.ts` of a folder with these files, in that folder, with a separate cache. */
async function runIn(files: Files, flags: readonly string[]): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(`${folder}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--no-lock", ...flags, "main.ts"],
      cwd: folder,
      env: { DENO_DIR: `${folder}/cache`, NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const text = new TextDecoder();
    return text.decode(stdout) + text.decode(stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const ALL = MODELS.map((model) => `${model} hello1 hello2 hello3\n`).join("");

/** Serves the library and a task beside it, as a web server would. */
function serve(): Deno.HttpServer<Deno.NetAddr> {
  const headers = { "content-type": "application/typescript" };
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async ({ url }) => {
    const { pathname } = new URL(url);
    if (pathname === "/greet.ts") {
      return new Response(GREET.replace(`"words"`, `"./words.ts"`), { headers });
    }
    if (pathname === "/words.ts") return new Response(WORDS["words.ts"], { headers });
    const path = new URL(`.${pathname}`, ROOT);
    return new Response(await Deno.readTextFile(path), { headers });
  });
}

function elsewhere(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `the library elsewhere: ${name}`, ignore: !MAY_RUN, fn });
}

const path = fileURLToPath(ROOT);
elsewhere("by path, in a project with a deno.json", async () => {
  const imports = { lanes: `${pathToFileURL(path)}lib/mod.ts`, words: "./words.ts" };
  const files = { "greet.ts": GREET, ...WORDS, "deno.json": JSON.stringify({ imports }) };
  const flags = [`--allow-read=.,${path}lib`, `--allow-run=${Deno.execPath()}`];
  assertEquals(await runIn({ ...files, "main.ts": program("lanes") }, flags), ALL);
});

elsewhere("by its name, linked, with its types", async () => {
  const { name } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const config = { links: [path], imports: { words: "./words.ts" } };
  const files = { "greet.ts": GREET, ...WORDS, "deno.json": JSON.stringify(config) };
  assertEquals(await runIn({ ...files, "main.ts": program(name) }, ["-A", "--check"]), ALL);
});

elsewhere("in a project with a package.json, whose packages its tasks import", async () => {
  const thing = { name: "words", version: "1.0.0", type: "module", exports: "./index.js" };
  const files = {
    "greet.ts": GREET,
    "package.json": JSON.stringify({ dependencies: { words: "1" } }),
    "node_modules/words/package.json": JSON.stringify(thing),
    "node_modules/words/index.js": WORDS["words.ts"],
    "main.ts": program(`${pathToFileURL(path)}lib/mod.ts`),
  };
  assertEquals(await runIn(files, ["-A"]), ALL);
});

elsewhere("over http, with tasks of the program's own", async () => {
  await using server = serve();
  const host = `127.0.0.1:${server.addr.port}`;
  const imports = { lanes: `http://${host}/lib/mod.ts`, words: "./words.ts" };
  const files = { "greet.ts": GREET, ...WORDS, "deno.json": JSON.stringify({ imports }) };
  const flags = [`--allow-import=${host}`, "--allow-read=.", `--allow-run=${Deno.execPath()}`];
  assertEquals(await runIn({ ...files, "main.ts": program("lanes") }, flags), ALL);
});

elsewhere("over http, with tasks that are there too", async () => {
  await using server = serve();
  const host = `127.0.0.1:${server.addr.port}`;
  const files = {
    "greet.ts": `export default (n: number): string => String(n);`,
    "main.ts": program(`http://${host}/lib/mod.ts`, JSON.stringify(`http://${host}/greet.ts`)),
  };
  const flags = [`--allow-import=${host}`, `--allow-run=${Deno.execPath()}`];
  assertEquals(await runIn(files, flags), ALL);
});

Deno.test({
  name: "a registry would take the library as it is",
  ignore: !MAY_RUN,
  async fn() {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      // A registry infers types and refuses slow ones, but leaves their check to who publishes: `deno task check`.
      args: ["publish", "--dry-run", "--allow-dirty", "--no-check", "--quiet"],
      cwd: path,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const text = new TextDecoder();
    assertEquals([text.decode(stdout), text.decode(stderr), code], ["", "", 0]);
  },
});
