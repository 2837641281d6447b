import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { folderFor } from "../../scripts/lesson/teach.ts";
import { lessonFile } from "../report/lesson/fixture.ts";
import { faultsOf } from "../json_schemas.ts";
import { mayRunScripts, runTask } from "./run_script.ts";

Deno.test({
  name: "a lesson's files are saved elsewhere if they can't be beside its page",
  ignore: !mayRunScripts,
  async fn() {
    const beside = await Deno.makeTempDir();
    try {
      const folders = [await folderFor(beside), await folderFor(`${beside}/gone`)];
      assertEquals(folders.map((folder) => folder.startsWith(`${beside}/`)), [true, false]);
      await Deno.remove(folders[1]!);
    } finally {
      await Deno.remove(beside, { recursive: true });
    }
  },
});

Deno.test({
  name: "deno task lesson measures, tells, and writes a page in the language asked for",
  ignore: !mayRunScripts,
  async fn() {
    const cwd = await Deno.makeTempDir();
    try {
      const args = ["--language", "ko", "--rounds", "1", "--json", "lesson.json"];
      const { code, stdout, stderr } = await runTask("lesson", args, { cwd });
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, "1. 동시성과 병렬성은 다르다");
      assertStringIncludes(stdout, `Wrote ${await Deno.realPath(cwd)}/lesson.html`);
      const text = await Deno.readTextFile(`${cwd}/lesson.json`);
      assertEquals(faultsOf("lesson", text), []);
      const measured = Object.keys(JSON.parse(text));
      for (const part of Object.keys(lessonFile("ko"))) assert(measured.includes(part), part);
      assertEquals((await Array.fromAsync(Deno.readDir(cwd))).map(({ name }) => name).sort(), [
        ...["lesson.html", "lesson.json"],
      ]);
      const page = await Deno.readTextFile(`${cwd}/lesson.html`);
      assertStringIncludes(page, '<html lang="ko">');

      const again = await runTask("report", ["lesson.json", "--html", "again.html"], { cwd });
      assertEquals(again.code, 0, again.stderr);
      assertEquals(await Deno.readTextFile(`${cwd}/again.html`), page);
      const both = ["lesson.json", "lesson.json", "--html", "both.html"];
      const refused = await runTask("report", both, { cwd });
      assertEquals(refused.code, 2);
      assertStringIncludes(refused.stderr, "a lesson is a page of its own");
    } finally {
      await Deno.remove(cwd, { recursive: true });
    }
  },
});
