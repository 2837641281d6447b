import { assertEquals } from "@std/assert";
import { adviceOn, asPredicted } from "./advice/advice_on.ts";
import { adviceFileOf } from "./advice/advice_file.ts";
import { resultOf as sweepOf } from "./scaling/measured.ts";
import { granted } from "./granted.ts";
import { edited, faultsOf, jsonSchemaOf, type Kind, KINDS, schemaFile } from "./json_schemas.ts";
import { peersFile } from "./scripts/peers/harness/fixture.ts";
import { runFile } from "./report/running/fixture.ts";
import { lessonFile } from "./report/lesson/fixture.ts";
import { switchFile } from "./report/switching/fixture.ts";
import { cpuComparison, ioComparison, resultOf } from "./report/fixture.ts";

const ignore = !granted("read");

for (const name of KINDS) {
  Deno.test({
    // To write the schemas again after a change: deno test -A tests/json_schemas_test.ts -- --update
    name: `the shipped JSON Schema of ${name} files is the one that the program checks with`,
    ignore,
    async fn() {
      const file = schemaFile(name);
      const wanted = JSON.parse(JSON.stringify(jsonSchemaOf(name)));
      if (Deno.args.includes("--update")) {
        await Deno.writeTextFile(file, `${JSON.stringify(wanted, null, 2)}\n`);
      }
      assertEquals(JSON.parse(await Deno.readTextFile(file)), wanted);
    },
  });
}

Deno.test({
  name: "the shipped JSON Schemas say of fields what comments in their source say",
  ignore,
  fn() {
    const at = (kind: Kind, ...path: string[]) => {
      const schema = JSON.parse(Deno.readTextFileSync(schemaFile(kind)));
      return path.reduce((part, key) => {
        return part[key] ?? schema.$defs[part.$ref.slice("#/$defs/".length)][key];
      }, schema);
    };
    const models = ["properties", "comparisons", "items", "properties", "models"];
    const rounds = [...models, "items", "properties", "rounds", "items", "properties"];
    assertEquals(
      at("comparison", "description").startsWith("What deno task io or cpu writes"),
      true,
    );
    assertEquals(
      at("comparison", ...rounds, "runMs", "description"),
      "Time from the first item to the last outcome.",
    );
    assertEquals(
      at("lesson", "properties", "files", "description"),
      "The saved files, which wait for a disk.",
    );
    // These fields come from another file, from behind a union with null, and from a shared part.
    assertEquals(
      at("advice", "properties", "environment", "properties", "cpus", "description"),
      "The machine's CPUs, if this process may know them.",
    );
    const point = ["properties", "points", "items", "properties"];
    assertEquals(
      at("sweep", ...point, "little", "description").startsWith("Little's law: X·R"),
      true,
    );
    assertEquals(
      at("lesson", "properties", "io", "properties", "agree", "description"),
      "Whether all models gave equal results.",
    );
  },
});

/** Changes that make a file invalid: the field, and its new value. */
const EDITS: Readonly<Record<Kind, readonly (readonly [(string | number)[], unknown])[]>> = {
  comparison: [
    [["schemaVersion"], 2],
    [["environment", "cpus"], undefined],
    [["comparisons", 0, "agree"], undefined],
    [["comparisons", 0, "models", 1, "speedup", "low"], null],
    [["comparisons", 0, "models", 0, "rounds", 0, "wallMs"], "fast"],
    [["comparisons", 0, "models", 0, "rounds", 0, "failed"], -1],
    [["comparisons", 0, "verdict", "bound"], "network"],
  ],
  advice: [
    [["kind"], undefined],
    [["kind"], "sweep"],
    [["environment"], null],
    [["advice", "cpuShare"], 1.5],
    [["advice", "horizon"], "many"],
    [["advice", "sample", "wallMs"], undefined],
    [["advice", "sample", "variation"], null],
    [["advice", "models", 1, "predictedGainHigh"], null],
    [["advice", "models", 1, "measured", "gain", "median"], undefined],
    [["advice", "recommended", "model"], "threads"],
    [["advice", "recommended", "breakEven"], 0.5],
    [["advice", "code"], undefined],
    [["advice", "flags"], "--allow-net"],
  ],
  peers: [
    [["kind"], undefined],
    [["rounds"], 0],
    [["rows", 0, "better"], "most"],
    [["rows", 0, "figure", "low"], null],
    [["rows", 8, "trouble", "reason"], undefined],
  ],
  run: [
    [["kind"], undefined],
    [["run", "ended"], "over"],
    [["run", "total"], -1],
    [["run", "before", "done"], undefined],
    [["run", "reasons", 0, "count"], 0],
    [["run", "slowest", 0, "ms"], null],
  ],
  switch: [
    [["kind"], undefined],
    [["whoLetsGo", "rows", 0, "where"], "process"],
    [["whoLetsGo", "rows", 0, "ticks", 0, "atMs"], -1],
    [["whoseTurn", "rows", 0, "lost"], [0.5]],
    [["whoseTurn", "rows", 1, "updateNs"], undefined],
    [["whoseSession", "refusal"], undefined],
    [["whoseSession", "rows", 0, "connections"], "many"],
  ],
  lesson: [
    [["kind"], undefined],
    [["language"], "fr"],
    [["io", "models", 0, "rounds", 0, "wallMs"], "fast"],
    [["awaitCost", "plainMs"], 0],
    [["whoseTurn", "rows", 0, "lost"], [0.5]],
  ],
  sweep: [
    [["kind"], undefined],
    [["kind"], "advice"],
    [["axis"], "threads"],
    [["points", 0, "rounds"], []],
    [["points", 0, "throughputPerSecond", "high"], null],
    [["points", 1, "size"], 0],
    [["fits", 0, "lambda", "value"], undefined],
    [["forecasts", 0, "refusal"], undefined],
    [["warnings"], undefined],
  ],
};

const texts: Readonly<Record<Kind, () => Promise<string>>> = {
  comparison: () => Promise.resolve(JSON.stringify(resultOf(ioComparison(), cpuComparison()))),
  advice: async () => JSON.stringify(adviceFileOf(await adviceOn({ computeMs: 20 }, asPredicted))),
  peers: () => Promise.resolve(JSON.stringify(peersFile())),
  run: () => Promise.resolve(JSON.stringify(runFile())),
  switch: () => Promise.resolve(JSON.stringify(switchFile())),
  lesson: () => Promise.resolve(JSON.stringify(lessonFile("en"))),
  sweep: async () => JSON.stringify(await sweepOf({ lambda: 50, sigma: 0.05, kappa: 1e-3 })),
};

for (const name of KINDS) {
  Deno.test({
    name: `a validator finds what is wrong with a ${name} file, and nothing where nothing is`,
    ignore,
    async fn() {
      const text = await texts[name]();
      assertEquals(faultsOf(name, text), []);
      for (const [path, value] of EDITS[name]) {
        const faults = faultsOf(name, edited(text, path, value));
        assertEquals(faults.length > 0, true, `${path.join(".")} may be ${JSON.stringify(value)}`);
      }
      for (const other of KINDS) {
        if (other !== name) assertEquals(faultsOf(other, text).length > 0, true, `is ${other} too`);
      }
    },
  });
}
