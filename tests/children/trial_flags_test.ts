import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { trialFlags } from "../../lib/children/trial_flags.ts";
import { granted } from "../granted.ts";

const ignore = !granted("run", "read");
const listening = new URL("./listening_child.ts", import.meta.url);
const DATA = "data:text/javascript,export default 1";
const job = {
  task: { module: DATA, export: "default" },
  items: { kind: "values" },
} as const;
const folder = (name: string) => fromFileUrl(new URL(`../../lib/${name}`, import.meta.url));

Deno.test("trialFlags() allow a job what it asks for, and its lanes what they need", async () => {
  const project = ["--no-config", "--no-lock"];
  assertEquals(await trialFlags(job, { model: "sequential" }), project);
  const read = `--allow-read=${folder("lanes")},${folder("tasks")}`;
  assertEquals(await trialFlags(job, { model: "workers" }), [...project, read]);
  const deno = Deno.execPath();
  assertEquals(
    await trialFlags({ ...job, permissions: { run: ["git"], net: true } }, { model: "processes" }),
    [
      ...project,
      "--allow-net",
      `--allow-run=git,${deno}`,
    ],
  );
  const all = { ...job, permissions: { read: true, run: true } };
  assertEquals(await trialFlags(all, { model: "processes" }), [
    ...project,
    "--allow-read",
    "--allow-run",
  ]);
});

Deno.test({
  name: "trialFlags() let a job's process read the modules of its task and its items",
  ignore,
  async fn() {
    const module = listening.href;
    const of = { ...job, items: { kind: "module", module } } as const;
    const flags = (await trialFlags(of, { model: "sequential" })).filter((flag) =>
      flag.startsWith("--allow")
    );
    assertEquals(flags.length, 1);
    const read = flags[0]!.replace("--allow-read=", "").split(",");
    const imported = new URL("../../lib/children/parent.ts", import.meta.url);
    for (const file of [listening, imported]) assert(read.includes(fromFileUrl(file)), read.join());
  },
});
