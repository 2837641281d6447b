/**
 * OpenTelemetry spans as Deno's console exporter prints them: in each model a run, its tasks below it, and the
 * tasks' own spans below them.
 */

import { assert, assertEquals } from "@std/assert";
import { isFixed, isRemote, MODEL_TABLE, MODELS, needsServer } from "../../lib/models.ts";
import { denoArgs, MAY_RUN } from "./programs/run_program.ts";

interface Printed {
  readonly name: string;
  readonly trace: string;
  readonly id: string;
  readonly parent: string | undefined;
  readonly failed: boolean;
}

function spansIn(text: string): Printed[] {
  return text.split(/^SPAN /m).slice(1).map((span) => {
    const [, name, trace, id] = /^(.+?) \[(\w+)\/(\w+)\]/.exec(span)!;
    const [, parent] = /^\s+parent: (\w+)/m.exec(span) ?? [];
    return { name: name!, trace: trace!, id: id!, parent, failed: /^\s+status: Error/m.test(span) };
  });
}

async function run(model: string, env: Record<string, string>) {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: denoArgs("spans.ts", [model]),
    env: { NO_COLOR: "1", OTEL_DENO_CONSOLE: "ignore", ...env },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { stdout: text.decode(stdout).trim(), stderr: text.decode(stderr) };
}

// `gpu` has no spans of tasks, because a kernel computes many items together.
// In `cluster` a machine exports its spans itself, if its operator wants that.
const traced = MODELS.filter((model) => !MODEL_TABLE[model].together && !needsServer(model));
for (const model of traced) {
  Deno.test({
    name: `${model}: a run, its tasks and what they ask for are spans, each below the other`,
    ignore: !MAY_RUN,
    async fn() {
      const { stdout, stderr } = await run(model, {
        OTEL_DENO: "true",
        OTEL_EXPORTER_OTLP_PROTOCOL: "console",
      });
      assertEquals(stdout, "fulfilled,fulfilled,rejected", stderr);
      const spans = spansIn(stderr);
      const below = (parent: string, name: RegExp) =>
        spans.filter((span) => span.parent === parent && name.test(span.name));
      for (const [what, count] of [["map gated", 3], ["run gated", 1]] as const) {
        const [root, ...others] = spans.filter(({ name }) => name === what);
        assert(root !== undefined && others.length === 0, stderr);
        const tasks = below(root.id, /^task gated$/);
        assertEquals([root.parent, tasks.length], [undefined, count], stderr);
        for (const { id, trace } of tasks) {
          assertEquals([trace, below(id, /^(GET|fetch)$/).length], [root.trace, 1], stderr);
        }
      }
      const left = spans.filter(({ name }) => /^(map|task) nap$/.test(name));
      assert(left.length >= 2 && left.every(({ failed }) => !failed), stderr);
      const [deadly] = spans.filter(({ name }) => name === "map die");
      const attempts = deadly === undefined ? [] : below(deadly.id, /^task die$/);
      const lost = isRemote(model) && isFixed(model) ? [true, true] : [];
      assertEquals(attempts.map(({ failed }) => failed), lost, stderr);
      const caller = spans.find(({ name }) => name === "caller");
      assertEquals(below(caller?.id ?? "none", /^map double$/).length, 1, stderr);
    },
  });
}

Deno.test({
  name: "without telemetry nothing is traced, and no package is loaded for it",
  ignore: !MAY_RUN,
  async fn() {
    const { stdout, stderr } = await run("workers", { OTEL_DENO: "false" });
    assertEquals([stdout, spansIn(stderr), stderr], ["fulfilled,fulfilled,rejected", [], ""]);
  },
});
