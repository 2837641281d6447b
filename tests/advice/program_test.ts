import { assertEquals } from "@std/assert";
import { pathToFileURL } from "node:url";
import { granted } from "../granted.ts";
import { withFiles } from "../lanes/small_program.ts";
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

Deno.test("programFor() begins with a job's first state, and ends what it leaves open once all is closed", () => {
  const job: ProgramJob = {
    ...{ module: "file:///job.ts", export: "default", itemsAreMade: false, permissions: {} },
    ...{ library: "file:///lib/mod.ts", fails: true, leavesOpen: true, resets: true },
  };
  const { code } = programFor(job, { model: "limited", lanes: 1, slots: 3 });
  const [, body] = code.split("\n\n");
  assertEquals(
    body,
    `{
  await job.reset(); // advice has run the items already
  await using executor = limited({ slots: 3 });
  const work = task<typeof job>("file:///job.ts");
  for await (const outcome of executor.mapSettled(work, job.items)) {
    if (outcome.status === "fulfilled") console.log(outcome.value);
    else {
      console.error(outcome.index, outcome.ended, outcome.reason);
      Deno.exitCode = 1;
    }
  }
}
Deno.exit(); // what the job leaves open would keep it running
`,
  );
});

Deno.test("programFor() says where other machines meet, and how many of their lanes only beyond the usual", () => {
  const job: ProgramJob = {
    module: "file:///job.ts",
    export: "default",
    itemsAreMade: false,
    permissions: { net: true, env: ["HOME"] },
    library: "file:///lib/mod.ts",
    server: { servers: ["nats://a:1", "b"], creds: "/me.creds", tlsCa: "/ca.pem" },
  };
  const opened = (lanes: number, slots = 1, more: Partial<ProgramJob> = {}) => {
    const { code, flags } = programFor({ ...job, ...more }, { model: "cluster", lanes, slots });
    return [/executor = (.*);/.exec(code)![1], flags];
  };
  const where = 'servers: ["nats://a:1","b"], creds: "/me.creds", tlsCa: "/ca.pem"';
  const flags = ["--allow-net", "--allow-read", "--allow-env=HOME"];
  assertEquals(opened(64), [`cluster({ ${where} })`, flags]);
  assertEquals(opened(65, 4), [`cluster({ ${where}, lanes: 65, slots: 4 })`, flags]);
  const [, narrow] = opened(2, 1, { permissions: { net: ["x.example"] } });
  assertEquals(narrow, ["--allow-net=x.example,a:1,b:4222", "--allow-read"]);
  // A model that needs no server gets no server addresses.
  const { code } = programFor(job, { model: "workers", lanes: 2, slots: 1 });
  assertEquals(code.includes("servers"), false);
});

Deno.test({
  name: "the program of a job with packages in node_modules runs from wherever it is saved",
  ignore: !granted("read", "write", "run"),
  fn: () =>
    withFiles({
      "job/package.json": `{ "type": "module", "dependencies": { "known": "1.0.0" } }`,
      "job/node_modules/known/package.json": `{ "name": "known", "main": "index.js" }`,
      "job/node_modules/known/index.js": "exports.twice = (n) => 2 * n;",
      "job/job.js": `import known from "known";
export const items = [1, 2];
export default (n) => known.twice(n);`,
    }, async (root) => {
      const { code, flags } = programFor({
        module: pathToFileURL(`${root}/job/job.js`).href,
        export: "default",
        itemsAreMade: false,
        permissions: {},
        library: new URL("../../lib/mod.ts", import.meta.url).href,
      }, { model: "sequential", lanes: 1, slots: 1 });
      await Deno.writeTextFile(`${root}/job_run.ts`, code);
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--quiet", "--no-prompt", ...flags, "job_run.ts"],
        cwd: root,
        env: { NO_COLOR: "1" },
      }).output();
      const [out, error] = [stdout, stderr].map((of) => new TextDecoder().decode(of));
      assertEquals([out, error], ["2\n4\n", ""]);
    }),
});
