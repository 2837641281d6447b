import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { UsageError } from "../../lib/text/option_values.ts";
import { reportRenderers } from "../../lib/report/kinds.ts";
import {
  checkOutputFiles,
  FORMATS,
  replaceableFile,
  writeOutputFiles,
} from "../../lib/files/output_files.ts";
import { picture } from "../../lib/tasks/picture.ts";
import { ioComparison, resultOf } from "../report/fixture.ts";
import { granted } from "../granted.ts";

const allowed = granted("read", "write");

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "a folder that isn't there is found before measuring",
  ignore: !allowed,
  fn: () =>
    inFolder(async (folder) => {
      const error = await assertRejects(
        () => checkOutputFiles({ csv: join(folder, "no", "a.csv") }),
        UsageError,
      );
      assertStringIncludes(error.message, "--csv");
    }),
});

Deno.test({
  name: "a picture of ours is written over, and no other",
  ignore: !allowed,
  fn: () =>
    inFolder(async (folder) => {
      const path = join(folder, "set.png");
      const own = await picture([Uint8Array.of(1, 2)]);
      await Deno.writeFile(path, own);
      assertEquals(await replaceableFile("--out", path, "picture"), path);
      // The chunk that marks the picture as this program's is left out.
      const other = [own.subarray(0, 33), own.subarray(33 + 12 + 14)];
      await Deno.writeFile(path, await new Blob(other).bytes());
      const refused = () => replaceableFile("--out", path, "picture");
      const { message } = await assertRejects(refused, UsageError);
      assertStringIncludes(message, "it exists, and isn't what --out writes; name another file");
    }),
});

Deno.test({
  name: "one file can't hold two formats",
  ignore: !allowed,
  fn: () =>
    inFolder(async (folder) => {
      const path = join(folder, "out");
      const error = await assertRejects(
        () => checkOutputFiles({ json: path, trace: path }),
        UsageError,
      );
      assertStringIncludes(error.message, "--trace");
      assertStringIncludes(error.message, "--json");
    }),
});

Deno.test({
  name: "every format asked for is written",
  ignore: !allowed,
  fn: () =>
    inFolder(async (folder) => {
      const asked = Object.fromEntries(FORMATS.map((format) => [format, join(folder, format)]));
      const files = await checkOutputFiles(asked);
      const { lines, errors } = await writeOutputFiles(
        reportRenderers([resultOf(ioComparison())]),
        files,
      );
      assertEquals(errors, []);
      assertEquals(lines, FORMATS.map((format) => `Wrote ${join(folder, format)}`));
      for (const format of FORMATS) assert((await Deno.stat(join(folder, format))).size > 500);
      assertEquals(
        JSON.parse(await Deno.readTextFile(join(folder, "json"))),
        JSON.parse(JSON.stringify(resultOf(ioComparison()))),
      );
    }),
});

Deno.test({
  name: "a file that can't be written at the end is put into another place, and said to be there",
  ignore: !allowed,
  async fn() {
    const written: string[] = [];
    const write = async (path: string, text: string) => {
      if (path === "/full/result.csv") {
        throw new Error("No space left on device (os error 28)\nmore");
      }
      written.push(path);
      await Deno.writeTextFile(path, text);
    };
    const result = { ...resultOf(ioComparison()), partial: true };
    const { lines, errors } = await writeOutputFiles(
      reportRenderers([result]),
      { csv: "/full/result.csv" },
      { partial: true, write },
    );
    assertEquals(lines, []);
    assertEquals(errors, [
      `--csv could not be written: No space left on device (os error 28); it is in ${written[0]}`,
    ]);
    assert((await Deno.readTextFile(written[0]!)).includes("concurrent"));
    await Deno.remove(written[0]!);
  },
});

Deno.test("what can be written nowhere is printed", async () => {
  const printed: string[] = [];
  const tried: string[] = [];
  const { errors } = await writeOutputFiles(
    reportRenderers([resultOf(ioComparison())]),
    { json: "/full/result.json" },
    {
      write: (path) => {
        tried.push(path);
        return Promise.reject(new Error("No space left on device"));
      },
      print: (text) => printed.push(text),
    },
  );
  assert(errors[0]!.endsWith("it was printed instead"));
  assertEquals(JSON.parse(printed[0]!).comparisons.length, 1);
  if (tried.length > 1) await assertRejects(() => Deno.stat(tried[1]!), Deno.errors.NotFound);
});

Deno.test("a format is made only if it is asked for, and never passed over in silence", async () => {
  const made = { html: () => Promise.reject(new Error("made")) };
  assertEquals(await writeOutputFiles(made, {}), { lines: [], errors: [] });
  await assertRejects(() => writeOutputFiles(made, { csv: "/tmp/a.csv" }), TypeError, "--csv");
});
