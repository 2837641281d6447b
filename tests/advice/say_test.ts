import { assertEquals } from "@std/assert";
import { sayFinding } from "../../lib/advice/findings/findings.ts";
import { say, sayAll } from "../../lib/advice/say.ts";
import texts from "../../lib/advice/en.json" with { type: "json" };
import { granted } from "../granted.ts";

Deno.test("the end of a figure's name says how it is shown", () => {
  assertEquals(
    say("no gain.little", { items: "9 items", allMs: 1500, savedMs: 20, startMs: 0.04 }),
    "9 items take 1.50 s in all, of which no model could save more than 20.0 ms, and starting lanes " +
      "alone takes 0.04 ms.",
  );
  assertEquals(
    say("no gain.dealing", { taskTinyMs: 0.04 }),
    "a task computes for 40.0 µs, less than it takes to deal it out. Make one item of many to gain " +
      "from lanes.",
  );
  assertEquals(
    say("memory.in flight", { model: "M", inFlight: 3, allBytes: 2e9, free: "" }),
    "M has 3 in flight: up to 2 GB.",
  );
  assertEquals(say("gained", { gain: { median: 2, low: 1.5, high: 3 } }), "gained 2.00× 1.50–3.00");
  assertEquals(
    say("surprise", { name: "M", predictedGain: 2, measuredGain: 0.5 }),
    "M: 2.00× predicted, 0.50× measured.",
  );
  assertEquals(say("unclear.rounds", { rounds: 1000 }).slice(0, 12), "1000 rounds ");
});

Deno.test("sentences that don't apply leave no gap", () => {
  assertEquals(sayAll("A.", false, undefined, "", "B."), "A. B.");
  const figures = { sampleBytes: 3e8, taskBytes: 0, inFlight: 4, measuredBytes: null, model: "M" };
  assertEquals(
    sayFinding({ kind: "memory", ...figures }),
    "The tasks of the sample raised the peak memory by 300 MB one by one. A worker that runs out of " +
      "memory takes the whole program with it; a process doesn't.",
  );
});

Deno.test({
  name: "every text of advice is said somewhere",
  ignore: !granted("read"),
  fn() {
    const files = (at: URL): URL[] =>
      [...Deno.readDirSync(at)].flatMap(({ name, isDirectory }) =>
        isDirectory
          ? files(new URL(`${name}/`, at))
          : name.endsWith(".ts")
          ? [new URL(name, at)]
          : []
      );
    const folders = ["advice/", "report/advice/"]
      .map((name) => new URL(`../../lib/${name}`, import.meta.url));
    const code = folders.flatMap(files).map((file) => Deno.readTextFileSync(file)).join("\n");
    // A key is written out, or its beginning is, before a part that is chosen.
    const isSaid = (key: string) =>
      code.includes(`"${key}"`) ||
      [...key.matchAll(/\./g)].some(({ index }) => code.includes(`\`${key.slice(0, index)}.\${`));
    assertEquals(Object.keys(texts).filter((key) => !isSaid(key)), []);
  },
});
