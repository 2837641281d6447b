import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { loadJob } from "../../../lib/advice/job/load_job.ts";
import type { Probed, ProbeOptions, Prober } from "../../../lib/advice/probe/probe.ts";
import { UsageError } from "../../../lib/text/option_values.ts";
import { granted } from "../../granted.ts";
import { withFiles } from "../../lanes/small_program.ts";
import { probedOf } from "../fixture.ts";

const ignore = !granted("run", "read");
const typed = fileURLToPath(new URL("../labelled/waiting.ts", import.meta.url));
const request = { typed, permissions: {}, guardMs: 1000 };

/** A prober that answers at once, and the options of its calls. */
function asked(exports: Partial<Probed["exports"]>) {
  const options: ProbeOptions[] = [];
  const prober: Prober = (_job, of) => {
    options.push(of);
    return Promise.resolve({
      exports: {
        hooks: [],
        items: "iterable",
        task: "function",
        hasKernel: false,
        functions: [],
        ...exports,
      },
      stretches: [],
      failures: [],
      done: undefined,
      cutOff: undefined,
    });
  };
  return { options, prober };
}

Deno.test({
  name: "loadJob() makes a job of what a module exports, and runs none of it unless asked to",
  ignore,
  async fn() {
    const { options, prober } = asked({ title: "wait\x1b[31m", hooks: ["prepare", "comparable"] });
    const { job } = await loadJob({ ...request, items: 7, export: "slow" }, prober);
    assertEquals([job.task.export, job.prepare, job.comparable], ["slow", "prepare", "comparable"]);
    assertEquals(job.name.includes("\x1b"), false, "a title can't steer the terminal");
    const named = async (title: string) =>
      (await loadJob({ ...request, export: "slow" }, asked({ title }).prober)).job.name;
    assertEquals((await named("n".repeat(10_000))).length, 200, "no report is a page of its title");
    assertEquals(await named("\x1b[31m"), "waiting.ts", "a title that shows nothing is none");
    assertEquals(job.items.kind === "module" && job.items.limit, 7);
    assertEquals([options[0]!.dry, options[0]!.limit], [true, 0]);
  },
});

Deno.test({
  name: "loadJob() runs a sample of no more items than the job is to have",
  ignore,
  async fn() {
    const { options, prober } = asked({});
    const sample = { items: 50, targetMs: 300 };
    const { job } = await loadJob({ ...request, sample, guardOption: "--timeout" }, prober);
    await loadJob({ ...request, sample, items: 3 }, prober);
    assertEquals(job.name, "waiting.ts");
    assertEquals(options.map(({ dry, limit, targetMs }) => [dry, limit, targetMs]), [
      [false, 50, 300],
      [false, 3, 300],
    ]);
    assertEquals(options[0]!.guardOption, "--timeout");
  },
});

Deno.test({
  name:
    "loadJob() takes a list in its own order where tasks fail in another for want of those before them",
  ignore,
  fn: async () => {
    const spread = (failed: number) => {
      const probed = probedOf({ items: 20 });
      const failure = (index: number) => ({
        index,
        reason: "Error",
        name: "Error",
        message: "",
        causes: [],
      });
      const failures = Array.from({ length: failed }, (_, index) => failure(index + 2));
      return { ...probed, spread: 20, failures, done: { ...probed.done!, failed } };
    };
    const sample = { items: 20, targetMs: 5 };
    const loaded = async (inOrder: number) => {
      const { job: { items }, needsOrder } = await loadJob(
        { ...request, sample },
        ({ items }) =>
          Promise.resolve(
            spread(items.kind === "module" && items.order === "spread" ? 10 : inOrder),
          ),
      );
      return [items.kind === "module" && items.order === "spread", needsOrder];
    };
    assertEquals(await loaded(0), [false, true]);
    assertEquals(await loaded(1), [true, false], "some fail there, too");
  },
});

Deno.test({
  name: "loadJob() refuses what isn't a module before anything is run",
  ignore,
  async fn() {
    const { options, prober } = asked({});
    for (const typed of ["no_such_job.ts", "tests", "https://example.com/job.ts"]) {
      await assertRejects(() => loadJob({ ...request, typed }, prober), UsageError, "module");
    }
    assertEquals(options, []);
  },
});

Deno.test({
  name: "loadJob() says how a package comes into a project that lacks it",
  ignore: ignore || !granted("write"),
  fn: () =>
    withFiles({
      "package.json": '{ "type": "module", "dependencies": { "some-queue": "1.0.0" } }',
      "job.js": 'import "some-queue"; export const items = [1]; export default (n) => n;',
    }, async (root) => {
      const { prober } = asked({});
      const loaded = loadJob({ ...request, typed: `${root}/job.js` }, prober);
      const { message } = await assertRejects(() => loaded, UsageError, "not a dependency");
      assertStringIncludes(message, "as with deno install");
    }),
});

Deno.test({
  name:
    "loadJob() doesn't blame the job for what interrupts the program, and names no part of a job a task",
  ignore,
  async fn() {
    const interruption = new AbortController();
    const reason = new DOMException("Interrupted", "AbortError");
    const killed: Prober = () => {
      // The probe's process receives the signal before this one does.
      setTimeout(() => interruption.abort(reason));
      return Promise.reject(new Error("loading it ended the whole process (signal SIGINT)"));
    };
    const { signal } = interruption;
    const thrown = await assertRejects(() => loadJob({ ...request, signal }, killed));
    assertEquals(thrown, reason);
    const { prober } = asked({});
    await assertRejects(
      () => loadJob({ ...request, export: "setup" }, prober),
      UsageError,
      "no task",
    );
  },
});
