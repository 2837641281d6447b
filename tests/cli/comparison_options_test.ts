import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UsageError } from "../../lib/text/option_values.ts";
import {
  type RawComparisonOptions,
  readComparisonOptions,
} from "../../lib/cli/comparison_options.ts";

const KIND = "io";

Deno.test("all five models run unless told, limited with 5 slots", async () => {
  const { models, rounds, files } = await readComparisonOptions({}, KIND);
  assertEquals(models, [
    { model: "sequential" },
    { model: "concurrent" },
    { model: "limited", lanes: 1, slots: 5 },
    { model: "workers", lanes: 5, slots: 1 },
    { model: "processes", lanes: navigator.hardwareConcurrency, slots: 1 },
  ]);
  assertEquals(rounds, undefined);
  assertEquals(files, {});
});

Deno.test("--slots is limited's, --lanes is workers' and processes'", async () => {
  const raw = { slots: "8", lanes: "3", models: "processes,limited,workers" };
  const { models } = await readComparisonOptions(raw, KIND);
  assertEquals(models, [
    { model: "processes", lanes: 3, slots: 1 },
    { model: "limited", lanes: 1, slots: 8 },
    { model: "workers", lanes: 3, slots: 1 },
  ]);
});

Deno.test("a GPU has its own size, and only tasks that compute", async () => {
  const raw = { models: "gpu" };
  const { models } = await readComparisonOptions(raw, "cpu");
  assertEquals(models, [{ model: "gpu" }]);
  await assertRejects(() => readComparisonOptions(raw, "io"), UsageError, "gpu only computes");
  const sized = { ...raw, slots: "8" };
  await assertRejects(() => readComparisonOptions(sized, "cpu"), UsageError, "leave it out");
});

Deno.test("auto has bounds in place of a size", async () => {
  const raw = { models: "limited,auto", slots: "8", maxSlots: "20", stay: "loop" };
  const { models } = await readComparisonOptions(raw, KIND);
  assertEquals(models, [
    { model: "limited", lanes: 1, slots: 8 },
    { model: "auto", bounds: { maxSlots: 20, stay: "loop" } },
  ]);
  for (const size of ["slots", "lanes"] as const) {
    await assertRejects(
      () => readComparisonOptions({ models: "sequential,auto", [size]: "3" }, KIND),
      UsageError,
      `--${size} "3": auto finds out how many ${size} it needs; bound it with --max-${size}`,
    );
  }
  await assertRejects(() => readComparisonOptions({ memory: "1GB" }, KIND), UsageError, "--memory");
});

const BAD: readonly (readonly [option: string, value: string])[] = [
  ["models", "threads"],
  ["models", "workers,workers"],
  ["models", ""],
  ...["rounds", "slots", "lanes"].flatMap((option) =>
    ["0", "-1", "1.5", "five", "", "1e400", "99999999999999999999"].map((value) =>
      [option, value] as const
    )
  ),
  ["warmup", "-1"],
  ["seed", "4294967296"],
  ["seed", "x"],
  ["maxSlowdown", "lots"],
  ["maxSlowdown", "-5%"],
];

Deno.test("an option that would change nothing is refused, with what gives it a meaning", async () => {
  const refused = async (raw: RawComparisonOptions, says: string) =>
    void await assertRejects(() => readComparisonOptions(raw, KIND), UsageError, says);
  await refused({ maxSlowdown: "5%" }, '--max-slowdown "5%": has no meaning without --baseline');
  await refused({ models: "sequential,workers", slots: "3" }, '--slots "3": no model chosen takes');
  await refused({ models: "sequential,limited", lanes: "3" }, "add workers or processes");
  await refused({ models: "sequential,auto", lanes: "3" }, "--max-lanes");
});

for (const [option, value] of BAD) {
  Deno.test(`${option} doesn't take ${JSON.stringify(value)}`, async () => {
    const error = await assertRejects(
      () => readComparisonOptions({ [option]: value }, KIND),
      UsageError,
    );
    const flag = option === "maxSlowdown" ? "--max-slowdown" : `--${option}`;
    assertStringIncludes(error.message, flag);
    assertEquals(error.message.split("\n").length, 1);
  });
}
