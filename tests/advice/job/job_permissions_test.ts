import { assertEquals, assertThrows } from "@std/assert";
import { missingFlag, takePermissions } from "../../../lib/advice/job/job_permissions.ts";
import { snippetFor, type SnippetJob } from "../../../lib/advice/words/snippet.ts";
import { UsageError } from "../../../lib/options.ts";

const absolute = (path: string) => `/home/${path}`;

Deno.test("takePermissions() hands flags on as Deno takes them, and leaves the rest", () => {
  const args = ["job.ts", "--allow-net", "--allow-read=a,b", "--allow-read=c", "--items", "5"];
  assertEquals(takePermissions(args, absolute), {
    permissions: { net: true, read: ["/home/a", "/home/b", "/home/c"] },
    rest: ["job.ts", "--items", "5"],
  });
});

Deno.test("takePermissions() keeps two commas as one within a name", () => {
  assertEquals(takePermissions(["--allow-env=A,,B"], absolute).permissions, { env: ["A,B"] });
});

Deno.test("takePermissions() refuses unknown permissions and empty entries", () => {
  assertThrows(() => takePermissions(["--allow-fun"], absolute), UsageError, "--allow-fun");
  assertThrows(() => takePermissions(["--allow-net="], absolute), UsageError, "empty");
  assertThrows(() => takePermissions(["--allow-net=a,"], absolute), UsageError, "empty");
});

Deno.test("missingFlag() reads the narrowest flag from Deno's message", () => {
  const said = (what: string) => missingFlag(`Requires ${what}, run again with the flag`)?.flag;
  assertEquals(said('read access to "/etc/hosts"'), "--allow-read=/etc/hosts");
  assertEquals(said('env access to "HOME"'), "--allow-env=HOME");
  assertEquals(said("read access to <CWD>"), "--allow-read");
  assertEquals(missingFlag("something else"), undefined);
});

Deno.test("snippetFor() writes every model with its size and its permissions", () => {
  const job: SnippetJob = {
    module: "file:///job.ts",
    export: "half",
    itemsAreMade: true,
    prepare: "gives nothing",
    config: "/own/deno.json",
    graceMs: 600,
    permissions: { net: ["a.example"] },
    library: "file:///lib/mod.ts",
  };
  const { code, flags } = snippetFor(job, { model: "processes", lanes: 2, slots: 3 });
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
