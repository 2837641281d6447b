import { assert, assertAlmostEquals } from "@std/assert";
import { estimateMs, type Evidence } from "../../../lib/advice/race/estimate.ts";

function measured(...ms: number[]): Evidence {
  return { times: ms.map((ms, round) => ({ round, ms })) };
}

function predicted(evidence: Evidence, ms: number): Evidence {
  return { ...evidence, predicted: { ms, lowMs: ms / 1.2, highMs: ms * 1.2 } };
}

Deno.test("estimateMs() takes off what a round does to all models", () => {
  const [a, b] = estimateMs([measured(100, 200, 100), measured(50, 100, 50)]);
  assertAlmostEquals(a! / b!, 2, 0.02);
});

Deno.test("estimateMs() isn't carried away by one disturbed trial", () => {
  const steady = measured(100, 101, 99, 100);
  const [a, b] = estimateMs([steady, measured(90, 260, 91, 90), steady]);
  assert(a! > b!, `${a} ${b}`);
});

Deno.test("estimateMs() trusts a prediction more against one round than against five", () => {
  const ratio = (rounds: number) => {
    const [a, b] = estimateMs([
      predicted(measured(...Array<number>(rounds).fill(100)), 100),
      predicted(measured(...Array<number>(rounds).fill(100)), 80),
    ]);
    return a! / b!;
  };
  assert(ratio(1) > 1.06, String(ratio(1)));
  assert(ratio(5) < 1.05, String(ratio(5)));
  assert(ratio(1) < 1.25);
});

Deno.test("estimateMs() leaves out a prediction that one measurement refutes", () => {
  const plain = predicted(measured(1000, 1010), 1000);
  const [a, b] = estimateMs([plain, predicted(measured(990), 20), plain]);
  assertAlmostEquals(b! / a!, 0.99, 0.03);
});

Deno.test("estimateMs() doesn't mind that all are slower than predicted", () => {
  const [a, b] = estimateMs([
    predicted(measured(200, 205, 195), 100),
    predicted(measured(100, 101, 99), 50),
  ]);
  assertAlmostEquals(a!, 200, 6);
  assertAlmostEquals(b!, 100, 3);
});

Deno.test("estimateMs() compares models of which one missed a round", () => {
  const [a, b] = estimateMs([measured(100, 300, 100), { times: [{ round: 1, ms: 150 }] }]);
  assertAlmostEquals(a! / b!, 2, 0.1);
});
