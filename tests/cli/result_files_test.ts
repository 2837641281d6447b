import { assert, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/text/option_values.ts";
import { requirePlannedIn, writeReports } from "../../lib/cli/result_files.ts";
import type { Model } from "../../lib/models.ts";
import { isEmpty, type ReportFile } from "../../lib/report/kinds.ts";
import { ENVIRONMENT } from "../environment.ts";
import { granted } from "../granted.ts";
import { ioComparison, resultOf } from "../report/fixture.ts";
import { lessonFile } from "../report/lesson/fixture.ts";
import { asReport } from "../../scripts/peers/harness/peers_report.ts";
import { peersFile } from "../scripts/peers/harness/fixture.ts";
import { runFile, runResult } from "../report/running/fixture.ts";
import { switchFile } from "../report/switching/fixture.ts";

function planned(name: string, model: Model, items = 160, slots?: number, latencyMs = 20) {
  const values = Array(items).fill(1);
  const task = { module: "file:///task.ts", export: "default" };
  const job = { name, task, items: { kind: "values", values }, options: { latencyMs } } as const;
  return [{ spec: { job, models: [{ model, ...(slots && { lanes: 1, slots }) }] } }];
}

Deno.test("a baseline must hold a job and a model of what will be measured", () => {
  const then = { comparisons: [ioComparison()] };
  requirePlannedIn(then, "--baseline", "old.json", planned("download 160 pages", "limited"));
  const refuse = (name: string, model: Model, items?: number) =>
    assertThrows(
      () => requirePlannedIn(then, "--baseline", "old.json", planned(name, model, items)),
      UsageError,
      '--baseline "old.json": no job and model in common: "download 160 pages, 160 items" under ' +
        "sequential, ",
    );
  refuse("download 8 pages", "limited");
  refuse("download 160 pages", "limited", 80);
  for (
    const [slots, latencyMs, what] of [
      [5, 50, "the job's options differ: latencyMs (20 then, 50 now)"],
      [20, 20, "lanes × slots of limited differ: 1 × 5 then, 1 × 20 now"],
    ] as const
  ) {
    const other = planned("download 160 pages", "limited", 160, slots, latencyMs);
    assertThrows(
      () => requirePlannedIn(then, "--baseline", "old.json", other),
      UsageError,
      `--baseline "old.json": nothing can be compared, as ${what}; compare`,
    );
  }
  const long = assertThrows(
    () => requirePlannedIn(then, "--baseline", "old.json", planned("x".repeat(10_000), "limited")),
    UsageError,
  );
  assert(long.message.length < 600 && long.message.endsWith("of the same job"), long.message);
  const models = ioComparison().models.slice(0, 2);
  then.comparisons = [{ ...ioComparison(), models }];
  refuse("download 160 pages", "workers");
  then.comparisons = ["a", "b", "c", "d"].map((name) => {
    const job = { ...ioComparison().job, name };
    return { ...ioComparison(), job, models: models.slice(0, 1) };
  });
  assertThrows(
    () => requirePlannedIn(then, "--baseline", "old.json", planned("e", "limited")),
    UsageError,
    '"c, 160 items" under sequential and others then, ',
  );
});

Deno.test({
  name: "where nothing was measured no file is written, and those of earlier runs stay as they are",
  ignore: !granted("read", "write"),
  async fn() {
    const folder = await Deno.makeTempDir();
    const at = (name: string) => `${folder}/${name}`;
    try {
      const result = resultOf(ioComparison());
      await writeReports([result], { json: at("a.json") });
      const before = await Deno.readTextFile(at("a.json"));
      const nothing = resultOf({ ...ioComparison(), models: [] });
      const files = { json: at("a.json"), markdown: at("a.md") };
      const { lines } = await writeReports([nothing], files, { partial: true });
      assertEquals(lines, [
        `Wrote no ${at("a.json")}, for nothing was measured`,
        `Wrote no ${at("a.md")}, for nothing was measured`,
      ]);
      assertEquals(await Deno.readTextFile(at("a.json")), before);
      assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["a.json"]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("of every kind of file it is known whether anything was measured", () => {
  const measured = [
    runFile(),
    asReport(peersFile()),
    lessonFile("en"),
    switchFile(),
    resultOf(ioComparison()),
  ];
  assertEquals(measured.map(isEmpty), measured.map(() => false));
  const run = runResult({ ended: "interrupted", succeeded: 0, failed: 0 });
  const rows = peersFile().rows.map((row) => ({ ...row, figures: [], trouble: null }));
  const nothing: ReportFile[] = [
    { ...runFile(), run },
    asReport({ ...peersFile(), rows }),
    { schemaVersion: 1, kind: "lesson", language: "en", environment: ENVIRONMENT },
    resultOf(),
  ];
  assertEquals(nothing.map(isEmpty), nothing.map(() => true));
});
