import { assert, assertEquals } from "@std/assert";
import {
  mayNeedOrder,
  needOrder,
  orderCheck,
  orderProbe,
} from "../../../lib/advice/probe/order_probe.ts";
import {
  checksumOfFirst,
  countNeighbours,
  probe,
  type Probed,
} from "../../../lib/advice/probe/probe.ts";
import type { Race } from "../../../lib/advice/race/runner.ts";
import type { JobSpec } from "../../../lib/timing/spec.ts";
import { granted } from "../../granted.ts";
import { probedOf, roundOf } from "../fixture.ts";

const ignore = !granted("run", "read");

async function orderMatters(code: string, count = 4): Promise<boolean | undefined> {
  const module = `data:text/javascript,${encodeURIComponent(code)}`;
  const job: JobSpec = {
    name: "made up",
    task: { module, export: "default" },
    items: { kind: "module", module, export: "items", order: "spread" },
    options: {},
  };
  const { signal } = new AbortController();
  const sample = { typed: "made up", limit: 100, targetMs: 1000, guardMs: 60_000, signal };
  const probed = await probe(job, sample);
  assertEquals(countNeighbours(probed), count);
  const forwards = checksumOfFirst(count, probed, "listed");
  const check = { count, guardMs: 60_000, signal };
  const found = await orderProbe(job, { ...check, forwards });
  // A run from first to last replaces the sample here.
  const anew = await orderProbe(job, { ...check, forwards: undefined });
  assertEquals(found.orderMatters, anew.orderMatters);
  return found.orderMatters;
}

Deno.test({
  name: "orderProbe() tells a task that counts its calls from one that doesn't",
  ignore,
  async fn() {
    const items = "export const items = [1, 2, 3, 4];";
    assertEquals(await orderMatters(`${items} export default (item) => 2 * item;`), false);
    const counting = `${items} let calls = 0; export default (item) => item + 10 * calls++;`;
    assertEquals(await orderMatters(counting), true);
    // In one job each item depends on its neighbour; in the other each item needs its index.
    const linked = `export const items = Array.from({ length: 100 }, (_, n) => ({ n }));
      items.forEach((item, n) => item.prev = items[n - 1]);
      export default (item) => item.sum = (item.prev?.sum ?? 0) + item.n;`;
    assertEquals(await orderMatters(linked, 16), true);
    const placed = `export const items = Array.from({ length: 100 }, (_, n) => n);
      export default (item, { index }) => { if (item !== index) throw item; return index; };`;
    assertEquals(await orderMatters(placed, 16), false);
  },
});

Deno.test({
  name: "orderProbe() takes what fails in any order by now for no matter of the order",
  ignore,
  async fn() {
    const ran = async (code: string) => {
      const source = `export const items = [0, 1, 2, 3]; ${code}`;
      const module = `data:text/javascript,${encodeURIComponent(source)}`;
      const items = { kind: "module", module, export: "items" } as const;
      const job = { name: "made up", task: { module, export: "default" }, items, options: {} };
      const { signal } = new AbortController();
      const wanted = { typed: "made up", limit: 4, targetMs: 1000, guardMs: 60_000, signal };
      const forwards = checksumOfFirst(4, await probe(job, wanted), "listed");
      const check = { count: 4, guardMs: 60_000, signal };
      return [
        await orderProbe(job, { ...check, forwards }),
        await orderProbe(job, { ...check, forwards: "of before the ban" }),
      ].map(({ orderMatters, fails }) => [orderMatters, fails]);
    };
    const counting =
      "let n = 0; export default (item) => { if (item !== n++) throw item; return item; };";
    assertEquals(await ran(counting), [[true, true], [undefined, undefined]]);
  },
});

/** The file that the tasks of a job rewrite, or only write, in a folder that they may write. */
async function shared(task: string, all = false, differs = false): Promise<string | undefined> {
  const folder = await Deno.makeTempDir({ prefix: "lanes-rewritten-" });
  try {
    const code = `const folder = ${JSON.stringify(folder)};
      export const items = [1, 2, 3, 4];
      export default async (item) => { ${task}; return item; };`;
    const module = `data:text/javascript,${encodeURIComponent(code)}`;
    const job: JobSpec = {
      name: "made up",
      task: { module, export: "default" },
      items: { kind: "module", module, export: "items" },
      options: {},
      permissions: all ? { read: true, write: true } : { read: [folder], write: [folder] },
    };
    const { signal } = new AbortController();
    const options = { count: 4, forwards: "", differs, guardMs: 60_000, signal };
    const { rewritten, written, orderMatters } = await orderProbe(job, options);
    assertEquals(orderMatters, differs ? undefined : true);
    const nameOf = ({ path }: { readonly path: string }) => path.slice(folder.length + 1);
    if (written !== undefined) return `only written: ${nameOf(written)}`;
    return rewritten && nameOf(rewritten);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name:
    "orderProbe() names a file that tasks read and write back, or all write, and none that each has for itself",
  ignore: !granted("run", "read", "write") || Deno.build.os === "windows",
  async fn() {
    const count = `const old = await Deno.readTextFile(folder + "/n").catch(() => "0");
      await Deno.writeTextFile(folder + "/n", String(+old + 1))`;
    const nodes = `const fs = await import("node:fs");
      const old = fs.existsSync(folder + "/n") ? fs.readFileSync(folder + "/n", "utf8") : "0";
      fs.writeFileSync(folder + "/n", String(+old + 1))`;
    const own = `await Deno.stat(folder + "/" + item).catch(() => {});
      await Deno.writeTextFile(folder + "/" + item, "x")`;
    const log = `await Deno.writeTextFile(folder + "/log", "x", { append: true })`;
    for (const all of [false, true]) {
      assertEquals(await shared(count, all), "n");
      assertEquals(await shared(nodes, all), "n");
      assertEquals(await shared(own, all), undefined);
      assertEquals(await shared(log, all), "only written: log");
    }
    // Where results differ in any order, as those of a count that a file keeps do.
    assertEquals(await shared(count, false, true), "n");
  },
});

Deno.test({
  name: "orderProbe() names a database that tasks change, and none that only prepare() writes",
  ignore: !granted("run", "read", "write") || Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "lanes-database-" });
    const databaseOf = async (task: string) => {
      const code = `import { DatabaseSync } from "node:sqlite";
        const path = ${JSON.stringify(`${folder}/a.db`)};
        export const items = [1, 2, 3, 4];
        export function prepare() {
          using db = new DatabaseSync(path);
          db.exec("create table if not exists t(n)");
          db.exec("insert into t values (1)");
        }
        export default async (item) => {
          // The clock of files has steps of some milliseconds.
          await new Promise((then) => setTimeout(then, 10));
          ${task}
          return item;
        };`;
      const module = `data:text/javascript,${encodeURIComponent(code)}`;
      const job: JobSpec = {
        name: "made up",
        task: { module, export: "default" },
        items: { kind: "module", module, export: "items" },
        options: {},
        prepare: "prepare",
        permissions: { read: [folder], write: [folder] },
      };
      const { signal } = new AbortController();
      const options = { count: 4, forwards: "", guardMs: 60_000, signal };
      return (await orderProbe(job, options)).database?.path;
    };
    const open = (how: string, sql: string) =>
      `{ using db = new DatabaseSync(path, ${how}); db.prepare("${sql}").all(); }`;
    try {
      assertEquals(await databaseOf(open("{ readOnly: true }", "select n from t")), undefined);
      assertEquals(await databaseOf(open("{}", "update t set n = n + 1")), `${folder}/a.db`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

const STAYS = { leavesPlainLoop: false, shares: false };
const LEAVES = { ...STAYS, leavesPlainLoop: true };

Deno.test("orderCheck() runs backwards where results differ or the plain loop is left, raced or not, and the plain loop repeats its own", () => {
  const sample = { failed: 0 };
  const probed = { ...probedOf({ waitMs: 30 }), digests: Array<string>(100).fill("= n1;") };
  const candidate = { model: "concurrent", lanes: 1, slots: Infinity } as const;
  const race: Race = {
    runners: [{ candidate, items: 100, rounds: [roundOf({ runMs: 9 })], out: "results" }],
    costMs: 900,
    trials: 4,
    partial: false,
    unrepeatable: false,
    otherResults: false,
    untried: 0,
  };
  assertEquals(orderCheck(sample, probed, race, STAYS), {
    count: 13,
    forwards: checksumOfFirst(13, probed, "listed"),
  });
  assertEquals(orderCheck(sample, { ...probed, digests: [] }, race, STAYS), {
    count: 13,
    forwards: undefined,
  });
  const agreeing = { ...race, runners: [{ ...race.runners[0]!, out: undefined as never }] };
  assertEquals(orderCheck(sample, probed, agreeing, LEAVES)?.count, 13);
  assertEquals(orderCheck(sample, probed, agreeing, STAYS), undefined);
  const other = { ...race, otherResults: true };
  assertEquals(orderCheck(sample, probed, other, LEAVES), undefined);
  assertEquals(orderCheck(sample, probed, other, { ...STAYS, mayWrite: true }), undefined);
  const writes = orderCheck(sample, probed, other, { ...LEAVES, mayWrite: true });
  assertEquals([writes?.count, writes?.differs], [13, true]);
  assertEquals(orderCheck(sample, probed, undefined, LEAVES)?.count, 13);
  assertEquals(orderCheck(sample, probed, undefined, STAYS), undefined);
  assertEquals(orderCheck(sample, probed, { ...race, runners: [] }, STAYS), undefined);
  // State that tasks share may be needed by the next task, whatever lanes gain.
  assertEquals(orderCheck(sample, probed, agreeing, { ...STAYS, shares: true })?.count, 13);
  assertEquals(orderCheck({ ...sample, failed: 1 }, probed, race, LEAVES), undefined);
});

Deno.test("countNeighbours() takes an eighth of the sample, or what a quarter of a second is enough for", () => {
  const of = (items: number, waitMs: number) => countNeighbours(probedOf({ items, waitMs }));
  assertEquals([of(40, 100), of(400, 100), of(800, 100)], [5, 50, 64]);
  assertEquals([of(8, 1000), of(1, 1000)], [2, 1]);
  assertEquals([of(60, 8), of(40, 24), of(4, 8)], [16, 10, 4]);
});

Deno.test("needOrder() tells tasks that need those before them from tasks that fail by themselves", () => {
  const made = { waitMs: 10, items: 40 };
  const failure = (index: number) => ({
    index,
    reason: "Error",
    name: "Error",
    message: "",
    causes: [],
  });
  const failing = (failed: number, indices: readonly number[]): Probed => {
    const probed = { ...probedOf(made), spread: 40 };
    return {
      ...probed,
      failures: indices.map(failure),
      done: { ...probed.done!, failed },
    };
  };
  const many = failing(20, [20, 21, 10]);
  assert(mayNeedOrder(many) && !mayNeedOrder(failing(4, [20, 21])), "a few fail for other reasons");
  assert(!mayNeedOrder({ ...many, spread: undefined }), "they ran in their own order");
  assert(
    !mayNeedOrder({ ...many, failures: [{ ...failure(20), status: 429 }] }),
    "a server refuses",
  );
  const cutAfter = (items: number): Probed => ({
    ...probedOf({ ...made, items, cutOff: "item 20 did not settle" }),
    spread: 40,
  });
  const cut = cutAfter(2);
  assert(mayNeedOrder(cut));
  assert(!mayNeedOrder(cutAfter(7)), "others didn't hang for want of those before them");
  const inOrder = probedOf(made);
  assert(needOrder(many, inOrder) && needOrder(cut, inOrder));
  assert(!needOrder(many, failing(1, [3])), "some fail in that order, too");
  assert(
    !needOrder(many, probedOf({ ...made, items: 15 })),
    "those that failed weren't run again",
  );
  assert(!needOrder(cut, probedOf({ ...made, items: 15, total: 40 })), "nor what didn't end");
});
