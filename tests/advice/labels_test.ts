import { assert, assertEquals } from "@std/assert";
import { granted } from "../granted.ts";
import type { Advice } from "../../lib/advice/advice.ts";
import { shortfalls } from "../../scripts/advise_check/verdict.ts";
import { LABELS } from "./labelled/labels.ts";
import { adviceOn, asPredicted } from "./advice_on.ts";

Deno.test({
  name: "every labelled job has a label, and every label a job",
  ignore: !granted("read"),
  fn: () => {
    const files = [...Deno.readDirSync(new URL("./labelled/", import.meta.url))]
      .map(({ name }) => name)
      .filter((name) => name.endsWith(".ts") && name !== "compute.ts" && name !== "labels.ts");
    assertEquals(LABELS.map(({ file }) => file).sort(), files.sort());
    assert(files.length >= 40);
  },
});

Deno.test("shortfalls() names class, model and hazards that aren't as labelled", async () => {
  const advice: Advice = await adviceOn({ waitMs: 20 }, asPredicted);
  assertEquals(shortfalls({ file: "a.ts", bound: "io", models: ["concurrent"] }, advice), []);
  assertEquals(
    shortfalls({ file: "a.ts", bound: "cpu", models: ["workers"], hazard: "rate" }, advice),
    ["cpu taken for io", "not workers", "no word on rate"],
  );
  const unsure = { ...advice, classConfidence: 0.7 };
  assertEquals(shortfalls({ file: "a.ts", bound: "cpu" }, unsure), [], "it says so itself");
  const memory = { ...advice, hazards: [{ kind: "memory", text: "" }] } as const;
  assertEquals(shortfalls({ file: "a.ts", bound: "io", noHazard: "memory" }, memory), [
    "memory seen",
  ]);
});
