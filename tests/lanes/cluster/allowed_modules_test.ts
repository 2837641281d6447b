import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { moduleDigest } from "../../../lib/lanes/cluster/module_digest.ts";
import { findAllowed } from "../../../lib/lanes/cluster/allowed_modules.ts";
import { granted } from "../../granted.ts";

const ignore = !granted("read", "write");

/** Calls `use` with a temporary folder of these files, and a function that gives a file's URL. */
async function folders(
  files: Readonly<Record<string, string>>,
  use: (url: (path: string) => string, root: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${root}/${path}`, text);
    }
    await use((path) => new URL(`file://${root}/${path}`).href, root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const TASK = `import { by } from "./lib/by.ts";
import type { Gone } from "./gone.ts";
/* import "./comment.ts"; */
export default (n: number) => n * by;`;

Deno.test({
  name: "a module's digest is that of its text and its relative imports, wherever it lies",
  ignore,
  fn: () =>
    folders({
      "a/task.ts": TASK,
      "a/lib/by.ts": "export const by = 1;",
      "a/comment.ts": "1",
      "b/c/task.ts": TASK,
      "b/c/lib/by.ts": "export const by = 1;",
      "d/task.ts": TASK,
      "d/lib/by.ts": "export const by = 2;",
    }, async (url) => {
      const [a, c, d] = await Promise.all(
        ["a/task.ts", "b/c/task.ts", "d/task.ts"].map((path) => moduleDigest(url(path))),
      );
      assertEquals(a, c);
      assert(a !== d);
      await assertRejects(() => moduleDigest(url("none.ts")), Deno.errors.NotFound);
      await assertRejects(() => moduleDigest("https://example.org/a.ts"), TypeError, "neither");
    }),
});

Deno.test({
  name:
    "whatever names a file by its path makes it a part, and so does what a deno.json maps to one",
  ignore,
  fn: async () => {
    const ways = [
      'import { v } from "./dep.ts";',
      "const { v } = await import(`./dep.ts`);",
      String.raw`import { v } from "./\x64ep.ts";`,
      'import { v } from "dep";',
      'import { v } from "@/dep.ts";',
      'const { v } = createRequire(import.meta.url)("./dep.ts");',
      'import type { A } from "./a.ts"\nimport { v } from "./dep.ts"\n',
      'const all = "./**/*.ts", none = `it isn\'t`; import { v } from "./dep.ts"; // */',
      'new Worker(new URL("./dep.ts", import.meta.url))',
    ];
    const config =
      '{ // names\n"exclude": ["lib/*"], "imports": { "dep": "./dep.ts", "@/": "./", }, }';
    for (const [at, task] of ways.entries()) {
      const files = (v: number) => ({
        [`${v}/task.ts`]: task,
        [`${v}/dep.ts`]: `export const v = ${v};`,
        [`${v}/deno.jsonc`]: config,
      });
      await folders({ ...files(1), ...files(2) }, async (url) => {
        const [one, two] = [
          await moduleDigest(url("1/task.ts")),
          await moduleDigest(url("2/task.ts")),
        ];
        assert(one !== two, ways[at]);
      });
    }
  },
});

Deno.test({
  name: "a module is found by name and content below a root; else both contents are told",
  ignore,
  fn: () =>
    folders({
      "mine/task é.ts": "export default 1;",
      "there/deep/task é.ts": "export default 1;",
      "old/task é.ts": "export default 2;",
      "node/node_modules/task é.ts": "export default 1;",
    }, async (url, root) => {
      const module = url("mine/task é.ts");
      const digest = await moduleDigest(module);
      const find = (roots: string[], data = false, of = module, content = digest) =>
        findAllowed({ roots: roots.map((path) => `${root}/${path}`), data }, of, content);
      assertEquals(await find(["old", "there"]), { local: url("there/deep/task é.ts") });
      assertEquals(await find(["there/deep/task é.ts"]), { local: url("there/deep/task é.ts") });
      const said = async (roots: string[]) => {
        const found = await find(roots);
        assert("refused" in found, JSON.stringify(found));
        return found.refused;
      };
      const old = await said(["old"]);
      assertStringIncludes(old, `sha256 ${digest.slice(0, 12)}`);
      assertEquals(old.match(/sha256/g)?.length, 2);
      assertStringIncludes(await said(["node"]), "there is no such file");
      assertStringIncludes(await said([]), "no module is allowed there");
      const code = "data:text/javascript,1";
      assert("refused" in await find([], false, code, await moduleDigest(code)));
      assertEquals(await find([], true, code, await moduleDigest(code)), { local: code });
    }),
});

Deno.test({
  name:
    "of several files with that name and content it is the one whose path ends like the module's",
  ignore,
  fn: () =>
    folders({
      "here/shop/task.ts": "export default 1;",
      "there/farm/task.ts": "export default 1;",
      "there/old/shop/task.ts": "export default 1;",
      "there/task.ts": "export default 1;",
    }, async (url, root) => {
      const allowed = { roots: [`${root}/there`], data: false };
      const module = url("here/shop/task.ts");
      assertEquals(await findAllowed(allowed, module, await moduleDigest(module)), {
        local: url("there/old/shop/task.ts"),
      });
    }),
});

Deno.test({
  name: "a link that leads out of a root is not followed",
  ignore: ignore || Deno.build.os === "windows",
  fn: () =>
    folders({ "out/task.ts": "export default 1;", "in/other.ts": "" }, async (url, root) => {
      await Deno.symlink(`${root}/out/task.ts`, `${root}/in/task.ts`);
      await Deno.symlink(`${root}/out`, `${root}/in/out`);
      const allowed = { roots: [`${root}/in`], data: false };
      const digest = await moduleDigest(url("out/task.ts"));
      assert("refused" in await findAllowed(allowed, url("out/task.ts"), digest));
    }),
});
