import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { profiled, profileJob, profilePlan } from "../../../lib/advice/profile/profiler.ts";
import type { Profiled } from "../../../lib/advice/profile/job_profile.ts";
import { granted } from "../../granted.ts";
import { probedOf, sampleFor } from "../fixture.ts";
import { jobOf, options, PROFILE } from "./fixture.ts";

const computes = sampleFor({ items: 100, computeMs: 20 });

Deno.test("profilePlan() takes a part of the sample from end to end", () => {
  const plan = profilePlan(computes, 30_000);
  assert(plan !== undefined && !("missing" in plan));
  assertEquals([plan.limit, plan.stride], [100, 4]);
  assert(plan.targetMs < 0.25 * computes.tasksMs && plan.guardMs <= 30_000);
});

Deno.test("profilePlan() runs one task at least, however long", () => {
  const plan = profilePlan(sampleFor({ items: 2, computeMs: 3000 }), 30_000);
  assert(plan !== undefined && !("missing" in plan) && plan.targetMs >= 2900);
});

Deno.test("profilePlan() runs as many tasks as stand for all", () => {
  const first = computes.walls.map((of, at) => ({ ...of, wallMs: at === 0 ? 1500 : 10 }));
  const plan = profilePlan({ ...computes, walls: first, wallMs: 24.9 }, 30_000);
  assert(plan !== undefined && !("missing" in plan));
  assertEquals(plan.stride, 1);
  assert(plan.least > 50 && plan.least < 100, `${plan.least}`);
});

Deno.test("profilePlan() has nothing to show of tasks that wait", () => {
  assertEquals(profilePlan(sampleFor({ computeMs: 1, waitMs: 20 }), 30_000), undefined);
});

Deno.test("profilePlan() shows nothing where programs or other threads compute", () => {
  const plan = profilePlan({ ...computes, loopMs: 0.1 * computes.cpuMs }, 30_000);
  assert(plan !== undefined && "missing" in plan && plan.missing.includes("programs"));
});

Deno.test("profilePlan() keeps to the budget, and says so", () => {
  const plan = profilePlan(computes, 700);
  assertEquals(plan, { missing: "no time was left; a larger --budget shows it" });
});

Deno.test("profiled() says why there is no profile of a sample that was cut off", async () => {
  const take = () => Promise.resolve(PROFILE);
  const whole = probedOf({});
  assertEquals(await profiled(computes, whole, 30_000, take), PROFILE);
  assertEquals(await profiled(computes, { ...whole, done: undefined }, 30_000, take), {
    missing: "the sample was cut off",
  });
  const waits = sampleFor({ waitMs: 20 });
  assertEquals(await profiled(waits, whole, 30_000, take), undefined);
});

const ignore = !granted("run", "read", "write");

Deno.test({
  name: "profileJob() finds the function that computes, and leaves nothing behind",
  ignore,
  async fn() {
    const own = await Deno.makeTempDir();
    // The job runs in a separate process, because all threads of a process share one temporary folder.
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", new URL("./profile_main.ts", import.meta.url).href],
      env: { TMPDIR: own },
      stderr: "inherit",
    }).output();
    const profile: Profiled = JSON.parse(new TextDecoder().decode(stdout));
    // The folder can only be removed like this if it is empty.
    await Deno.remove(own);
    assert(!("missing" in profile), JSON.stringify(profile));
    assertEquals(profile.tasks, 40);
    const [most] = profile.functions;
    assertEquals([most!.name, most!.place, most!.owner], ["churn()", "computes.ts:6", "own"]);
    assert(most!.share > 0.5, JSON.stringify(profile.functions));
    assert(profile.flame.length > 0 && profile.functions.length <= 5);
    const text = JSON.stringify(profile);
    assert(!text.includes(fileURLToPath(new URL(".", import.meta.url))), text);
    // Time spent in the source of items doesn't count as the tasks'.
    assert(!text.includes("items()"), text);
  },
});

Deno.test({
  name: "profileJob() runs every so many-th item of those that it takes",
  ignore,
  async fn() {
    const profile = await profileJob(jobOf("computes"), options({ stride: 3, limit: 40 }));
    assertEquals("missing" in profile ? profile : profile.tasks, 14);
  },
});

for (const [name, why] of [["exits", "once more"], ["throws_at_import", "once more"]] as const) {
  Deno.test({
    name: `profileJob() says that there is none of a job that ${name.replaceAll("_", " ")}`,
    ignore,
    async fn() {
      const profile = await profileJob(jobOf(name), options());
      assert("missing" in profile && profile.missing.includes(why), JSON.stringify(profile));
    },
  });
}

Deno.test({
  name: "profileJob() gives up when the time is up",
  ignore,
  async fn() {
    const signal = AbortSignal.abort();
    const profile = await profileJob(jobOf("computes"), options({ signal }));
    assertEquals(profile, { missing: "it was ended before it was done" });
  },
});

Deno.test({
  name: "profileJob() says so where it may not make a folder",
  permissions: "none",
  async fn() {
    const profile = await profileJob(jobOf("computes"), options());
    assert("missing" in profile && profile.missing.includes("write"));
  },
});
