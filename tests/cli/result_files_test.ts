import { assertThrows } from "@std/assert";
import { UsageError } from "../../lib/options.ts";
import { requirePlannedIn } from "../../lib/cli/result_files.ts";
import type { Model } from "../../lib/models.ts";
import { ioComparison } from "../report/fixture.ts";

function planned(name: string, model: Model) {
  const task = { module: "file:///task.ts", export: "default" };
  const job = { name, task, items: { kind: "values", values: [] }, options: {} } as const;
  return [{ spec: { job, models: [{ model }] } }];
}

Deno.test("a baseline must hold a job and a model of what will be measured", () => {
  const then = { comparisons: [ioComparison()] };
  requirePlannedIn(then, "--baseline", "old.json", planned("download 160 pages", "limited"));
  const refuse = (name: string, model: Model) =>
    assertThrows(
      () => requirePlannedIn(then, "--baseline", "old.json", planned(name, model)),
      UsageError,
      '--baseline "old.json": no job and model in common: "download 160 pages" under sequential, ',
    );
  refuse("download 8 pages", "limited");
  then.comparisons = [{ ...ioComparison(), models: ioComparison().models.slice(0, 2) }];
  refuse("download 160 pages", "workers");
});
