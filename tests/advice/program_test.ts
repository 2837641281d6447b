import { assertEquals } from "@std/assert";
import { programFor, type ProgramJob } from "../../lib/advice/program.ts";

Deno.test("programFor() writes every model with its size and its permissions", () => {
  const job: ProgramJob = {
    module: "file:///job.ts",
    export: "half",
    itemsAreMade: true,
    prepare: "gives nothing",
    config: "/own/deno.json",
    graceMs: 600,
    permissions: { net: ["a.example"] },
    library: "file:///lib/mod.ts",
  };
  const { code, flags } = programFor(job, { model: "processes", lanes: 2, slots: 3 });
  assertEquals(flags[0], "--config=/own/deno.json");
  assertEquals(
    code,
    `import { processes, task } from "file:///lib/mod.ts";
import * as job from "file:///job.ts";

await job.prepare();
await using executor = processes({ lanes: 2, slots: 3, graceMs: 600, permissions: {"net":["a.example"]} });
const work = task<typeof job, "half">("file:///job.ts", "half");
for await (const result of executor.map(work, await job.items())) console.log(result);
`,
  );
});
