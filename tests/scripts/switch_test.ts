import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { QUESTIONS } from "../../lib/report/switching/switch_report.ts";
import { faultsOf } from "../json_schemas.ts";
import { mayRunScripts, readUntil, runTask, startTask } from "./run_script.ts";

Deno.test({
  name: "deno task switch runs its experiments, draws them, and writes valid JSON and a page",
  ignore: !mayRunScripts,
  async fn() {
    const cwd = await Deno.makeTempDir();
    try {
      const args = ["--json", "switch.json", "--html", "switch.html"];
      const { code, stdout, stderr } = await runTask("switch", args, { cwd });
      const titles = Object.values(QUESTIONS).map(({ title }) => title);
      assertEquals([code, stderr], [0, titles.map((title) => `${title} …\n`).join("")]);
      for (const title of titles) {
        assertStringIncludes(stdout, `${title}\n`);
      }
      // deno-lint-ignore no-control-regex
      assertEquals(/\x1b/.test(stdout), false);
      const text = await Deno.readTextFile(`${cwd}/switch.json`);
      assertEquals(faultsOf("switch", text), []);
      const { whoLetsGo } = JSON.parse(text);
      // On an event loop that never yields no tick comes, however busy the machine.
      assertEquals(whoLetsGo.rows[0].came, 0);
      assertStringIncludes(await Deno.readTextFile(`${cwd}/switch.html`), "<svg");
    } finally {
      await Deno.remove(cwd, { recursive: true });
    }
  },
});

Deno.test({
  name: "deno task switch runs only what it is asked for, and names what it doesn't know",
  ignore: !mayRunScripts,
  async fn() {
    const { code, stdout } = await runTask("switch", ["--only", "sessions"]);
    assertEquals(code, 0);
    assert(!/Who lets go|Whose turn|Who is served/.test(stdout));
    const wrong = await runTask("switch", ["--only", "threads"]);
    assertEquals(wrong.code, 2);
    assertStringIncludes(wrong.stderr, "threads");
    assertEquals(wrong.stderr.trim().split("\n").length, 1);
  },
});

Deno.test({
  name: "deno task switch that is interrupted keeps the experiments that had ended",
  ignore: !mayRunScripts,
  async fn() {
    const cwd = await Deno.makeTempDir();
    try {
      const child = startTask("switch", ["--only", "sessions,server", "--json", "s.json"], {
        cwd,
      });
      const stdout = new Response(child.stdout).text();
      const stderr = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
      await readUntil(stderr, new RegExp(RegExp.escape(QUESTIONS.whoIsServed.title)));
      child.kill("SIGINT");
      while (!(await stderr.read()).done);
      assertEquals((await child.status).code, 130);
      assertStringIncludes(await stdout, "Wrote");
      const file = JSON.parse(await Deno.readTextFile(`${cwd}/s.json`));
      assertEquals([file.whoseSession !== undefined, file.whoIsServed], [true, undefined]);
    } finally {
      await Deno.remove(cwd, { recursive: true });
    }
  },
});
