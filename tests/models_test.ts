import { assert, assertEquals, assertMatch, assertStrictEquals } from "@std/assert";
import {
  BASELINE,
  defaultLanes,
  isModel,
  isRemote,
  MODEL_TABLE,
  modelLines,
  MODELS,
  takes,
  USUAL_MODELS,
} from "../lib/models.ts";
import * as lanes from "../lib/mod.ts";
import * as loop from "../lib/loop.ts";
import * as open from "../lib/open.ts";

const README = new URL("../README.md", import.meta.url);
const canRead = Deno.permissions.querySync({ name: "read", path: README }).state === "granted";

Deno.test("the simplest model comes first, and is what the others are measured against", () => {
  assertEquals(MODELS[0], BASELINE);
  assertEquals(Object.keys(MODEL_TABLE), [...MODELS]);
});

Deno.test("what the library opens, and exports as it stands, is a function for each model", () => {
  assertEquals(Object.keys(open).toSorted(), MODELS.toSorted());
});

Deno.test("loop.ts gives the models of this event loop, and what it gives is the library's own", () => {
  const here = MODELS.filter((model) => MODEL_TABLE[model].laneKind === "event loop");
  assertEquals(MODELS.filter((model) => model in loop), here);
  for (const [name, value] of Object.entries(loop)) {
    assertStrictEquals(lanes[name as keyof typeof lanes], value);
  }
});

Deno.test("only what runs on lanes of its own can have several of them", () => {
  assertEquals(isRemote("gpu") && !takes("gpu", "lanes"), true);
  for (const model of USUAL_MODELS) {
    assertEquals(takes(model, "lanes"), isRemote(model), model);
    if (!isRemote(model)) {
      assertEquals([defaultLanes(model, "io"), defaultLanes(model, "cpu")], [1, 1]);
    }
  }
  assertEquals(defaultLanes("processes", "cpu"), navigator.hardwareConcurrency);
  assertEquals([isModel("threads"), isRemote("threads")], [false, true]);
});

Deno.test("what only computes, or needs what few have, is not compared unless it is chosen", () => {
  const usual = ["sequential", "concurrent", "limited", "workers", "processes"];
  assertEquals([...USUAL_MODELS] as string[], usual);
  assertEquals(MODELS.filter((model) => !MODEL_TABLE[model].kinds.includes("io")), ["gpu"]);
});

Deno.test("help names every model in a line of at most 90 columns, in columns that don't touch", () => {
  for (const kind of ["io", "cpu"] as const) {
    const lines = modelLines(kind).split("\n");
    const named = MODELS.filter((model) => MODEL_TABLE[model].kinds.includes(kind));
    assertEquals(lines.map((line) => line.trim().split(" ")[0]), named);
    for (const line of lines) assert(line.length <= 90, line);
    for (const { summary, python } of named.map((model) => MODEL_TABLE[model])) {
      const row = lines.find((line) => line.includes(summary[kind]) && line.endsWith(python[kind]));
      assert(python[kind] === "–" || / {2}\S/.test(row!.split(summary[kind])[1]!), summary[kind]);
    }
  }
});

Deno.test({
  name: "the README's table of models says what this one does",
  ignore: !canRead,
  fn: () => {
    const rows = Deno.readTextFileSync(README).split("\n").filter((line) => /^\| `\w+` /.test(line))
      .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
    for (const [at, model] of MODELS.entries()) {
      const { lane, lanes, slots, python } = MODEL_TABLE[model];
      const [name, where, lanesCell, slotsCell, inPython] = rows[at]!;
      assertEquals([name, where, inPython], [`\`${model}\``, lane, python.io]);
      const fixed = takes(model, "lanes") ? `${lanes.cpu}` : "1";
      assert(lanesCell!.includes(fixed) && lanesCell!.includes(`${lanes.io}`), lanesCell);
      assertMatch(slotsCell!, slots === Infinity ? /all items/ : new RegExp(`\\b${slots}\\b`));
    }
  },
});
