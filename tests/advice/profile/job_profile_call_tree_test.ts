import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "../../properties.ts";
import { type Call, callTree, totalUs } from "../../../lib/advice/profile/job_profile.ts";
import { marked, profileOf, ROLES, type Stack } from "./fixture.ts";

/** A tree as nested arrays, sorted by name: name, self time, calls. */
function shown(calls: readonly Call[]): unknown[] {
  return calls.map(({ frame, selfUs, calls }) => [frame.name, selfUs, ...shown(calls)]).sort();
}

const JOB = "file:///job/job.ts";

Deno.test("callTree() counts what ran between the marks, and nothing else", () => {
  const tree = callTree(
    marked([
      [["run@probe:x:1", `task@${JOB}:3`], 300],
      [["run@probe:x:1", `task@${JOB}:3`, `parse@${JOB}:1`], 500],
      [["(idle)"], 9000],
      [["run@probe:x:1"], 40],
      [["(garbage collector)"], 200],
    ]),
    ROLES,
  )!;
  assertEquals(shown(tree.calls), [
    ["(garbage collector)", 200],
    ["task", 300, ["parse", 500]],
  ]);
  assertEquals(tree.samples, 3);
});

Deno.test("callTree() gives each function's line as an editor counts it", () => {
  const [call] = callTree(marked([[[`task@${JOB}:3`], 300]]), ROLES)!.calls;
  assertEquals(call!.frame, { name: "task", url: JOB, line: 3, column: 1 });
});

Deno.test("callTree() takes a function that calls itself for one call", () => {
  const deep = (times: number): Stack => Array(times).fill(`walk@${JOB}:1`);
  const tree = callTree(marked([[deep(1), 10], [deep(3), 20], [deep(7), 30]]), ROLES)!;
  assertEquals(shown(tree.calls), [["walk", 60]]);
});

Deno.test("callTree() tells functions of one name apart by where they stand", () => {
  const seen = [[[`f@${JOB}:1`], 10], [[`f@${JOB}:2`], 20], [
    [`f@file:///job/b.ts:1`],
    30,
  ]] as const;
  assertEquals(callTree(marked(seen), ROLES)!.calls.length, 3);
});

Deno.test("callTree() leaves out what is apart, with all that it calls", () => {
  const tree = callTree(
    marked([
      [["run@probe:x:1", "SOURCE@probe:x:5", `items@${JOB}:1`], 900],
      [["run@probe:x:1", `task@${JOB}:3`], 100],
    ]),
    ROLES,
  )!;
  assertEquals(shown(tree.calls), [["task", 100]]);
});

Deno.test("callTree() lets no clock run backwards", () => {
  const tree = callTree(marked([[[`a@${JOB}:1`], -50], [[`b@${JOB}:2`], 70]]), ROLES)!;
  assertEquals(shown(tree.calls), [["b", 70]]);
});

Deno.test("callTree() knows no profile without both marks, and takes no other text", () => {
  const whole = marked([[[`a@${JOB}:1`], 50]]);
  const without = (name: string) => ({
    ...whole,
    nodes: whole.nodes.map((node) =>
      node.callFrame.functionName === name
        ? { ...node, callFrame: { ...node.callFrame, functionName: "other" } }
        : node
    ),
  });
  for (const json of [without("BEGIN"), without("END"), profileOf([]), {}, null, [], "x"]) {
    assertEquals(callTree(json, ROLES), undefined);
  }
});

Deno.test("callTree() ends though a profile's nodes make a circle", () => {
  const profile = marked([[[`a@${JOB}:1`], 50]]);
  for (const node of profile.nodes) node.children = [...node.children ?? [], 1, node.id];
  callTree(profile, ROLES);
});

const functions = fc.constantFrom(
  `a@${JOB}:1`,
  `b@${JOB}:2`,
  "c@file:///p/node_modules/x/a.js:3",
  "op_x@",
  "(garbage collector)",
  "run@probe:x:1",
);
const seen = fc.array(
  fc.tuple(fc.array(functions, { maxLength: 6 }), fc.nat({ max: 1000 })),
  { maxLength: 40 },
);

Deno.test("callTree() loses and adds no time, whatever was called", () => {
  fc.assert(fc.property(seen, (seen) => {
    const tree = callTree(marked(seen), ROLES)!;
    const counts = (stack: Stack) => {
      const last = stack.at(-1);
      return last !== undefined && !last.includes("@probe:");
    };
    const expected = seen.filter(([stack]) => counts(stack)).reduce((sum, [, us]) => sum + us, 0);
    assertAlmostEquals(tree.calls.reduce((sum, call) => sum + totalUs(call), 0), expected);
  }));
});

Deno.test("callTree() never has a function directly below itself, nor twice below one", () => {
  fc.assert(fc.property(seen, (seen) => {
    const check = (calls: readonly Call[], above?: string): void => {
      const names = calls.map(({ frame }) => `${frame.name}${frame.line}`);
      assertEquals(new Set(names).size, names.length);
      assert(above === undefined || !names.includes(above));
      calls.forEach((call, i) => check(call.calls, names[i]));
    };
    check(callTree(marked(seen), ROLES)!.calls);
  }));
});
