/** The behaviour of an executor in real programs, beside mapping: each runs as a separate program. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MODELS } from "../../lib/mod.ts";
import { hasAdapter } from "../gpu_adapter.ts";
import { denoArgs, MAY_RUN, run } from "./programs/run_program.ts";

function fault(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !MAY_RUN, fn });
}

/** The exit codes of SIGABRT and SIGSEGV. */
const DRIVER_CRASHES: readonly number[] = [134, 139];

// A cluster's connection keeps its program alive until it is closed.
for (const model of MODELS.filter((model) => model !== "cluster")) {
  Deno.test({
    name: `${model}: an executor that was never closed lets an idle program end`,
    ignore: !MAY_RUN || (model === "gpu" && !hasAdapter),
    async fn() {
      const { code, stdout, stderr } = await run("usage.ts", ["never closed", model]);
      // A software GPU driver may itself crash when a process ends with its device open.
      const ended = model === "gpu" && DRIVER_CRASHES.includes(code) ? 0 : code;
      assertEquals([ended, stdout.trim().split("\n")], [0, ["[2,4]", "[6]"]], stderr);
    },
  });
}

for (const model of ["workers", "processes"]) {
  fault(`${model}: lanes live while the program handles its stray errors itself`, async () => {
    const { code, stdout, stderr } = await run("usage.ts", ["own handler", model]);
    assertEquals(code, 0, stderr);
    assertEquals(JSON.parse(stdout), Array.from({ length: 4 }, () => ["fulfilled", 1]));
  });

  fault(`${model}: what a module prints when it is loaded is shown`, async () => {
    const { stdout, stderr } = await run("usage.ts", ["prints", model]);
    assertStringIncludes(stdout + stderr, "at import");
    assertStringIncludes(stdout + stderr, "in task 7");
  });

  fault(`${model}: results come when nobody reads what tasks print`, async () => {
    const { code, stdout } = await run("usage.ts", ["nobody reads stderr", model], "exec 2>&-;");
    assertEquals([code, stdout.trim()], [0, "20"]);
  });
}

for (const model of ["workers", "processes"]) {
  fault(`${model}: without any descriptor no lane starts, and later it does`, async () => {
    const { stdout, stderr } = await run("usage.ts", ["no descriptor", model], "ulimit -n 64;");
    assertEquals(stdout.trim().split("\n"), ["LaneStartError", "[4]"], stderr);
  });
}

for (const limit of [60, 44]) {
  fault(
    `processes: of ${limit} descriptors, as many lanes are opened as there are enough for`,
    async () => {
      const { stdout, stderr } = await run("usage.ts", ["few descriptors"], `ulimit -n ${limit};`);
      assertEquals(stdout.trim(), "60", stderr);
    },
  );

  fault(
    `workers: of ${limit} descriptors, as many lanes are opened as there are enough for`,
    async () => {
      const { code, stdout, stderr } = await run(
        "usage.ts",
        ["few descriptors, threads"],
        `ulimit -n ${limit};`,
      );
      assertEquals([code, stdout.trim()], [0, "60"], stderr);
    },
  );
}

fault(
  "workers: threads may do just what they were given, and load their modules all the same",
  async () => {
    const { code, stdout, stderr } = await run("usage.ts", ["narrow threads", "workers"], "", [
      "--unstable-worker-options",
    ]);
    const [read, doubled, missing, again] = stdout.trim().split("\n");
    assertEquals([code, read, doubled, again], [0, '["Not","/**"]', "[4]", "[6]"], stderr);
    assertStringIncludes(missing!, "nowhere.ts");
  },
);

fault("workers: threads start within threads though all of them draw the same", async () => {
  const { stdout, stderr } = await run("usage.ts", ["nested threads"], "", ["--seed=1"]);
  assertEquals(stdout.trim(), "[2,4]", stderr);
});

fault("Ctrl-C ends a program in whose threads subprocesses were opened", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: denoArgs("usage.ts", ["nested"]),
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assertEquals((await reader.read()).value, "started\n");
  child.kill("SIGINT");
  const { code } = await child.status;
  assertEquals([code, (await reader.read()).done], [130, true]);
});

fault(
  "a task in the program's own file runs behind import.meta.main, else that is said",
  async () => {
    const guarded = await run("own_file.ts", []);
    assertEquals(guarded.stdout.trim(), "42", guarded.stderr);
    const { stdout } = await run("own_file.ts", ["unguarded"]);
    assertStringIncludes(stdout, "TaskLoadError");
    assertStringIncludes(stdout, "import.meta.main");
    assert(!stdout.includes("42"));
  },
);

fault(
  "in this event loop it can't run before the file's top level has ended, which is said",
  async () => {
    const { stdout, stderr } = await run("own_file.ts", ["here"]);
    assertStringIncludes(stdout, "TaskLoadError");
    assertStringIncludes(stdout, "give the function instead of its name");
    assertEquals(stderr.match(/warning: a task of this program's own file/g)?.length, 1, stderr);
  },
);
