import { assertEquals } from "@std/assert";
import {
  accesses,
  audited,
  FileAudit,
  orderCheck,
  orderProbe,
} from "../../../lib/advice/probe/order_probe.ts";
import { countNeighbours, probe } from "../../../lib/advice/probe/probe.ts";
import type { Race } from "../../../lib/advice/race/race.ts";
import type { JobSpec } from "../../../lib/timing/spec.ts";
import { granted } from "../../granted.ts";
import { probedOf, roundOf } from "../fixture.ts";
import type { LanePermissions } from "../../../lib/lanes/permissions.ts";

const ignore = !granted("run", "read");

async function orderMatters(code: string, count = 4): Promise<boolean | undefined> {
  const module = `data:text/javascript,${encodeURIComponent(code)}`;
  const job: JobSpec = {
    name: "made up",
    task: { module, export: "default" },
    items: { kind: "module", module, export: "items", spread: true },
    options: {},
  };
  const { signal } = new AbortController();
  const sample = { typed: "made up", limit: 100, targetMs: 1000, guardMs: 60_000, signal };
  const { forwards, ...probed } = await probe(job, sample, () => []);
  assertEquals(countNeighbours(probed), count);
  const check = { count, guardMs: 60_000, signal };
  const found = await orderProbe(job, { ...check, forwards });
  // With a run from first to last in place of the sample.
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
    // Each of a hundred leans on its neighbour alone; or is told apart by its place.
    const linked = `export const items = Array.from({ length: 100 }, (_, n) => ({ n }));
      items.forEach((item, n) => item.prev = items[n - 1]);
      export default (item) => item.sum = (item.prev?.sum ?? 0) + item.n;`;
    assertEquals(await orderMatters(linked, 16), true);
    const placed = `export const items = Array.from({ length: 100 }, (_, n) => n);
      export default (item, { index }) => { if (item !== index) throw item; return index; };`;
    assertEquals(await orderMatters(placed, 16), false);
  },
});

/** What file the tasks rewrite, of such a job in a folder that it may write. */
async function rewritten(task: string, all = false): Promise<string | undefined> {
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
    const options = { count: 4, forwards: "", guardMs: 60_000, signal };
    const found = (await orderProbe(job, options)).rewritten;
    return found?.path.slice(folder.length + 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name:
    "orderProbe() names a file that tasks read and write back, and none that each has for itself",
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
      assertEquals(await rewritten(count, all), "n");
      assertEquals(await rewritten(nodes, all), "n");
      assertEquals(await rewritten(own, all), undefined);
      assertEquals(await rewritten(log, all), undefined);
    }
  },
});

Deno.test("orderCheck() runs backwards where results differ or the plain loop is left, raced or not, and the plain loop repeats its own", () => {
  const sample = { failed: 0 };
  const probed = { ...probedOf({ waitMs: 30 }), forwards: "sum" };
  const candidate = { model: "concurrent", lanes: 1, slots: Infinity } as const;
  const race: Race = {
    runners: [{ candidate, items: 100, rounds: [roundOf({ runMs: 9 })], out: "results" }],
    costMs: 900,
    trials: 4,
    partial: false,
    unrepeatable: false,
    otherResults: false,
    untried: 0,
    extended: false,
  };
  assertEquals(orderCheck(sample, probed, race, false), { count: 13, forwards: "sum" });
  const agreeing = { ...race, runners: [{ ...race.runners[0]!, out: undefined as never }] };
  assertEquals(orderCheck(sample, probed, agreeing, true)?.count, 13);
  assertEquals(orderCheck(sample, probed, agreeing, false), undefined);
  assertEquals(orderCheck(sample, probed, { ...race, otherResults: true }, true), undefined);
  assertEquals(orderCheck(sample, probed, undefined, true)?.count, 13);
  assertEquals(orderCheck(sample, probed, undefined, false), undefined);
  assertEquals(orderCheck(sample, probed, { ...race, runners: [] }, false), undefined);
  assertEquals(orderCheck({ ...sample, failed: 1 }, probed, race, true), undefined);
});

Deno.test("countNeighbours() takes an eighth of the sample, or what a quarter of a second is enough for", () => {
  const of = (items: number, waitMs: number) => countNeighbours(probedOf({ items, waitMs }));
  assertEquals([of(40, 100), of(400, 100), of(800, 100)], [5, 50, 64]);
  assertEquals([of(8, 1000), of(1, 1000)], [2, 1]);
  assertEquals([of(60, 8), of(40, 24), of(4, 8)], [16, 10, 4]);
});

const line = (permission: string, value: unknown) =>
  JSON.stringify({ v: 1, datetime: "2026-01-01T00:00:00Z", permission, value });

Deno.test("accesses() counts what was read and written, and minds no other lines", () => {
  const log = [
    line("read", "/a"),
    line("write", "/a"),
    line("write", "/a"),
    line("read", "/b"),
    line("net", "example.com"),
    line("write", null),
    "null",
    "what a program printed",
    line("write", "/c").slice(0, -9),
  ];
  assertEquals([...accesses(log.join("\n"))], [
    ["/a", { read: 1, write: 2 }],
    ["/b", { read: 1, write: 0 }],
  ]);
});

Deno.test("audited() names the root where all files are allowed", {
  ignore: Deno.build.os === "windows",
}, () => {
  assertEquals(audited<LanePermissions>({ read: true, write: ["a"], net: true }), {
    read: ["/"],
    write: ["a"],
    net: true,
  });
});

Deno.test({
  name:
    "mostRewritten() names what was often read and written, and has changed; its log is removed",
  ignore: !granted("read", "write"),
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "lanes-file-audit-" });
    try {
      const at = (name: string) => `${folder}/${name}`;
      const soon = new Date(Date.now() + 60_000);
      const texts = { old: "", changed: "", written: "", database: "SQLite format 3\0" };
      for (const [name, text] of Object.entries(texts)) {
        await Deno.writeTextFile(at(name), text);
        await Deno.utime(at(name), 1, name === "old" ? 1 : soon);
      }
      let log: string;
      {
        await using audit = await FileAudit.start();
        log = audit.env.DENO_AUDIT_PERMISSIONS!;
        const both = [
          "old",
          "old",
          "old",
          "database",
          "database",
          "changed",
          "changed",
          "gone",
          "gone",
        ];
        const lines = [
          ...both.flatMap((name) => [line("read", at(name)), line("write", at(name))]),
          ...["written", "written", "written"].map((name) => line("write", at(name))),
        ];
        await Deno.writeTextFile(log, lines.join("\n"));
        assertEquals(await audit.mostRewritten(2), { path: at("changed"), times: 2 });
        assertEquals(await audit.mostRewritten(3), undefined);
      }
      assertEquals(await Deno.stat(log).catch(() => "gone"), "gone");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
