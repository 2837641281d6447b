import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { CrashedError } from "../../lib/mod.ts";
import { eventually, Gates } from "./gates.ts";
import {
  faultTask,
  type Guarantee,
  numbers,
  OWN_LANE_ONLY,
  PROCESSES_ONLY,
  SENT_ONLY,
  taskNamed,
  taskOf,
} from "./guarantee.ts";
import { withDeadline } from "../with_deadline.ts";

/** Objects that throw when their content is read. */
const HOSTILE: Readonly<Record<string, () => object>> = {
  "a getter that throws": () => ({
    get x() {
      throw new Error("don't look");
    },
  }),
  "a revoked proxy": () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  "a proxy": () => new Proxy({ x: 1 }, {}),
  "a proxy whose traps throw": () =>
    new Proxy({}, {
      ownKeys() {
        throw new Error("no keys");
      },
    }),
  "a proxy that tells no prototype": () =>
    new Proxy({}, {
      getPrototypeOf() {
        throw new Error("no prototype");
      },
    }),
};

export const NEIGHBOURS: readonly Guarantee[] = [
  {
    name: "an item that throws when it is looked at fails alone",
    notFor: SENT_ONLY,
    async check({ open }) {
      await using executor = open();
      for (const [what, make] of Object.entries(HOSTILE)) {
        for (const chunk of ["auto", 1, 5] as const) {
          const items = numbers(10).map((n) => n === 4 ? make() : { n });
          const outcomes = await executor.mapSettled(taskNamed("echo"), items, { chunk }).toArray();
          assertEquals(
            outcomes.map((o) => o.status === "fulfilled" ? "ok" : o.ended),
            numbers(10).map((n) => n === 4 ? "failed" : "ok"),
            `${what}, chunk ${chunk}`,
          );
          assertEquals((outcomes[4] as { reason: Error }).reason.name, "CloneError");
        }
      }
    },
  },
  {
    name: "a result that throws when it is looked at fails alone, however it comes",
    notFor: SENT_ONLY,
    async check({ open }) {
      await using executor = open({ lanes: 1, slots: 1 });
      const traps = "{ getPrototypeOf() { throw new Error('no prototype'); } }";
      for (const how of ["", "async"]) {
        const odd = taskOf(`export default ${how} (n) => n === 2 ? new Proxy({}, ${traps}) : n`);
        for (const chunk of [1, 4]) {
          const options = { chunk, rerun: false };
          const outcomes = await executor.mapSettled(odd, numbers(5), options).toArray();
          assertEquals(
            outcomes.map((o) => o.status === "fulfilled" ? o.value : (o.reason as Error).name),
            [0, 1, "CloneError", 3, 4],
          );
        }
      }
    },
  },
  {
    name: "what a task posts, replaces or fakes in its lane harms neither the lane nor the program",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      await using executor = open({ lanes: 1 });
      for (const how of ["post", "replace", "fake time"]) {
        const items = [how, "a", how, "b"];
        assertEquals(
          await executor.map(faultTask("meddle"), items, { chunk: 1, timeoutMs: 30_000 }).toArray(),
          items,
        );
      }
      const [late] = await executor.mapSettled(taskNamed("nap"), [3_600_000], { timeoutMs: 60 })
        .toArray();
      assert(late!.status === "rejected" && late!.ended === "timed-out");
    },
  },
  {
    name:
      "what a task puts in the place of the platform's own costs no value and hides no stray error",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      await using executor = open({ lanes: 1, slots: 1 });
      const task = taskOf(`
        globalThis.structuredClone = () => { throw new Error("not here"); };
        globalThis.ErrorEvent = globalThis.PromiseRejectionEvent = class {};
        globalThis.process = {};
        export default (n) => n !== 1 ? new Date(n) : new Promise(() => {
          setTimeout(() => { throw new Error("stray"); });
        });
      `);
      const [first, stray, last] = await executor.mapSettled(task, [0, 1, 2], { chunk: 1 })
        .toArray();
      assert(first?.status === "fulfilled" && last?.status === "fulfilled");
      assertEquals([first.value, last.value], [new Date(0), new Date(2)]);
      assert(stray?.status === "rejected" && stray.reason instanceof CrashedError);
      assertStringIncludes(stray.reason.message, "threw outside the task");
      assertEquals((stray.reason.cause as Error).message, "stray");
      const isTold = async () => (await executor.usage())[0]!.cpuMs !== undefined;
      await eventually(isTold, "the lane has told its usage");
    },
  },
  {
    name: "a task's module that handles its own stray errors keeps its lane",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      await using executor = open({ lanes: 1, slots: 1 });
      assertEquals(
        await executor.map(faultTask("meddle"), ["handle", "stray", "stray", "after"]).toArray(),
        ["handle", "stray", "stray", "after"],
      );
    },
  },
  {
    name: "a lane that closes itself takes nobody of the next map with it",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      await using executor = open({ lanes: 1, slots: 1 });
      const [closed] = await executor.mapSettled(taskNamed("die"), ["close"]).toArray();
      assert(closed!.status === "rejected" && closed!.ended === "crashed");
      assertStringIncludes(String(closed!.reason), "self.close()");
      for (let map = 0; map < 3; map++) {
        assertEquals(await executor.map(taskNamed("double"), [map]).toArray(), [2 * map]);
      }
    },
  },
  {
    name: "results that had ended are kept when another item ends their lane",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      await using executor = open({ lanes: 1, slots: 1 });
      const outcomes = await executor.mapSettled(
        faultTask("exitAt"),
        [false, false, true, false, false],
        { chunk: 5 },
      ).toArray();
      assertEquals(
        outcomes.map(({ status, attempts }) => [status, attempts]),
        numbers(5).map((n) => [n === 2 ? "rejected" : "fulfilled", 1]),
      );
    },
  },
  {
    name: "items beside one that ended their lane run again, and attempts counts that",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      await using gates = new Gates();
      await using executor = open({ lanes: 1, slots: 2 });
      const items = [{ url: `${gates.url}/a`, does: "wait" }, {
        url: `${gates.url}/b`,
        does: "exit",
      }];
      const results = executor.mapSettled(faultTask("startAnd"), items, { chunk: 1 }).toArray();
      await gates.full(2);
      gates.openAll();
      const outcomes = await results;
      const starts = (key: string) => gates.arrived.filter((name) => name === key).length;
      assertEquals(outcomes.map(({ status }) => status), ["fulfilled", "rejected"]);
      assert(outcomes[0]!.attempts >= starts("a") && starts("a") >= 1);
      assert(outcomes[1]!.attempts >= starts("b") && outcomes[1]!.attempts <= 2);
    },
  },
  {
    name:
      "with rerun: false an item beside one that ended their lane ends as crashed, and nothing is started twice",
    notFor: OWN_LANE_ONLY,
    async check({ open }) {
      await using gates = new Gates();
      await using executor = open({ lanes: 1, slots: 2 });
      const items = [
        { url: `${gates.url}/a`, does: "wait" },
        { url: `${gates.url}/b`, does: "exit" },
        { url: `${gates.url}/c`, does: "end" },
      ];
      const results = executor.mapSettled(faultTask("startAnd"), items, {
        chunk: 1,
        rerun: false,
      }).toArray();
      await gates.full(2);
      gates.pass("a");
      await gates.until(() => gates.waiting.includes("a waits"), "a is under way");
      gates.pass("b");
      await gates.until(() => gates.waiting.includes("c"), "c is started on another lane");
      gates.openAll();
      const outcomes = await results;
      assertEquals(
        outcomes.map((o) => [o.status === "fulfilled" ? o.value : o.ended, o.attempts]),
        [["crashed", 1], ["crashed", 1], ["end", 1]],
      );
      for (const key of ["a", "b", "c"]) {
        assertEquals(gates.arrived.filter((name) => name === key), [key]);
      }
      assertStringIncludes(String((outcomes[0] as { reason: Error }).reason), "isn't run again");
    },
  },
  {
    name:
      "a deadline stops only the task that passed it: tasks beside it go on, and aren't run again",
    check: ({ open, width }) =>
      withDeadline(400, async (timeoutMs) => {
        if (width === 1) return; // no task runs beside it
        await using gates = new Gates();
        await using executor = open({ lanes: 1, slots: 3, graceMs: 300 });
        const other = executor.mapSettled(faultTask("startAnd"), [
          { url: `${gates.url}/other`, does: "polite" },
        ], { chunk: 1 }).toArray();
        await gates.full(1);
        gates.pass("other");
        await gates.until(() => gates.waiting.includes("other waits"), "the other is under way");
        const late = executor.mapSettled(faultTask("startAnd"), [
          { url: `${gates.url}/late`, does: "deaf" },
        ], { chunk: 1, timeoutMs }).toArray();
        await gates.until(() => gates.waiting.includes("late"), "the late one has started");
        gates.pass("late");
        const [timedOut] = await late;
        assert(timedOut!.status === "rejected" && timedOut!.ended === "timed-out");
        gates.pass("other waits");
        const [went] = await other;
        assertEquals([went!.status, went!.attempts], ["fulfilled", 1]);
        assertEquals(gates.arrived.filter((name) => name === "other").length, 1);
        gates.openAll();
      }),
  },
  {
    name: "stdin is at its end for tasks, and they may close it and stdout",
    notFor: PROCESSES_ONLY,
    async check({ open }) {
      await using executor = open({ lanes: 1 });
      assertEquals(
        await executor.map(faultTask("readStdin"), [
          "readSync",
          "read",
          "readable",
          "prompt",
          "confirm",
          "close",
          "readSync",
        ]).toArray(),
        ["null", "null", "0", "null", "false", "closed", "null"],
      );
    },
  },
  {
    name: "what a child was started with is no argument of its tasks",
    notFor: PROCESSES_ONLY,
    async check() {
      const { processes } = await import("../../lib/mod.ts");
      const args = taskOf("export default () => [...Deno.args, ...process.argv.slice(2)]");
      for (const run of [false, true]) {
        await using executor = processes({ lanes: 1, permissions: { run }, stderr: "keep" });
        assertEquals(await executor.run(args, 1), []);
      }
    },
  },
  {
    name: "programs that tasks start find stdin at its end, and their stdout disturbs nothing",
    notFor: PROCESSES_ONLY,
    async check() {
      const { processes } = await import("../../lib/mod.ts");
      await using executor = processes({
        lanes: 1,
        permissions: { run: ["cat", "sh"] },
        stderr: "keep",
      });
      const items = ["cat", "echo", "cat", "close", "readSync"];
      assertEquals(await executor.map(faultTask("readStdin"), items, { chunk: 1 }).toArray(), [
        "cat 0",
        "echo 0",
        "cat 0",
        "closed",
        "null",
      ]);
    },
  },
  {
    name: "a module that fails to load gets no more permission for it, and neither does the next",
    notFor: PROCESSES_ONLY,
    async check({ open, model }) {
      const secret = new URL("./tasks.ts", import.meta.url).pathname;
      await using executor = open({ lanes: 1 });
      const sneaky = taskOf(
        `const secret = Deno.readTextFileSync(${
          JSON.stringify(secret)
        }); export default () => secret;`,
      );
      const [outcome] = await executor.mapSettled(sneaky, [1]).toArray();
      assert(outcome!.status === "rejected");
      assertStringIncludes(String(outcome!.reason), "read access");
      assertStringIncludes(
        String(outcome!.reason),
        model === "cluster"
          ? "given to deno task lane on its machine"
          : "given as permissions: { read: … }",
      );
      assertEquals(await executor.map(faultTask("mayRead"), [secret]).toArray(), ["NotCapable"]);
    },
  },
  {
    name:
      "the permissions that the executor was opened with count, even if their object is changed later",
    notFor: PROCESSES_ONLY,
    async check() {
      const { processes } = await import("../../lib/mod.ts");
      const secret = new URL("./tasks.ts", import.meta.url).pathname;
      const permissions: { read: string[] } = { read: [] };
      await using executor = processes({ lanes: 1, permissions, stderr: "keep" });
      permissions.read.push(secret);
      assertEquals(await executor.map(faultTask("mayRead"), [secret]).toArray(), ["NotCapable"]);
      // A lane that replaces another has the same permissions.
      await executor.mapSettled(taskNamed("die"), ["exit"]).toArray();
      assertEquals(await executor.map(faultTask("mayRead"), [secret]).toArray(), ["NotCapable"]);
      // The flag that Deno suggests would give permissions to this program, not to the lane.
      const read = taskOf("export default (path) => Deno.readTextFileSync(path)");
      const refused = () => executor.run(read, secret);
      const { message } = await assertRejects(refused, Deno.errors.NotCapable);
      assertStringIncludes(message, "which processes() is given as permissions: { read: … }");
    },
  },
  {
    name: "threads with permissions of their own need Deno's flag: without it, an error to catch",
    notFor: {
      "event loop": "the lane is the program",
      auto: "its threads have the program's",
      process: "it needs no flag",
    },
    async check() {
      const { LaneStartError, workers } = await import("../../lib/mod.ts");
      let thrown: unknown;
      try {
        await workers({ permissions: "none" }).close();
      } catch (error) {
        thrown = error;
      }
      assert(thrown instanceof LaneStartError);
      assertStringIncludes(thrown.message, "--unstable-worker-options");
    },
  },
];
