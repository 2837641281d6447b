import { assertEquals } from "@std/assert";
import { toFileUrl } from "@std/path";
import { nearestConfig } from "../../lib/lanes/nearest_config.ts";
import { granted } from "../granted.ts";

/** A folder with these files and, where the name ends with a slash, folders. */
async function withFiles(names: readonly string[], check: (root: string) => void): Promise<void> {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "nearest config " }));
  try {
    for (const name of names) {
      const path = `${root}/${name}`;
      await Deno.mkdir(name.endsWith("/") ? path : path.slice(0, path.lastIndexOf("/")), {
        recursive: true,
      });
      if (!name.endsWith("/")) await Deno.writeTextFile(path, "{}");
    }
    check(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function nearest(path: string): string | undefined {
  return nearestConfig(toFileUrl(path).href);
}

const ignore = !granted("read", "write");

Deno.test({
  name: "the deno.json beside a module counts, else the one in the nearest folder above",
  ignore,
  fn: () =>
    withFiles(["deno.json", "a/deno.jsonc", "a/b/c/", "d/"], (root) => {
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
    withFiles(["deno.json", "both/deno.json", "both/deno.jsonc", "folder/deno.json/"], (root) => {
      assertEquals(nearest(`${root}/both/task.ts`), `${root}/both/deno.json`);
      assertEquals(nearest(`${root}/folder/task.ts`), `${root}/deno.json`);
    }),
});

Deno.test({
  name: "what was found once is not looked for again",
  ignore,
  async fn() {
    let module = "";
    let wanted = "";
    await withFiles(["deno.json"], (root) => {
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
