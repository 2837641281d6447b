import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { SEQUENTIAL } from "../../../lib/advice/prediction/candidate.ts";
import { predict } from "../../../lib/advice/prediction/predict.ts";
import { possibleGain } from "../../../lib/advice/prediction/possible_gain.ts";
import { sampleOf } from "../../../lib/advice/probe/sample.ts";
import { scaledMs } from "../../../lib/advice/race/scaled.ts";
import { spreadOrder } from "../../../lib/timing/spread.ts";
import { adviceOn } from "../advice_on.ts";
import { MACHINE, probedOf, roundOf, sampleFor } from "../fixture.ts";

const WORKERS = { model: "workers", lanes: 2, slots: 1 } as const;
const LIMITED = { model: "limited", lanes: 1, slots: 8 } as const;

Deno.test("possibleGain() is what cores and waiting can give", () => {
  const computing = sampleFor({ computeMs: 10 });
  assertEquals(possibleGain(computing, MACHINE, WORKERS, 100), 2);
  assertEquals(possibleGain(computing, MACHINE, LIMITED, 100), 1);
  assertEquals(possibleGain(sampleFor({ waitMs: 10 }), MACHINE, LIMITED, 100), 8);
  const blocking = sampleFor({ computeMs: 0.1, waitMs: 10, blocks: true });
  assert(possibleGain(blocking, MACHINE, LIMITED, 100) < 1.1);
  assert(possibleGain(sampleFor({ computeMs: 5, waitMs: 5 }), MACHINE, WORKERS, 100) <= 2);
  // What a task computes may be waking from its waits, which many in flight spare.
  const all = { model: "concurrent", lanes: 1, slots: Infinity } as const;
  const download = sampleFor({ computeMs: 0.5, waitMs: 20, wakeMs: 0.2, items: 160 });
  assert(possibleGain(download, MACHINE, all, 160) > 80);
});

Deno.test("advise() takes a gain above what the machine can give for an alarm", async () => {
  const advice = await adviceOn({ computeMs: 20 }, ({ model }, _items, runMs) => ({
    runMs: model === "sequential" ? runMs : runMs / 2,
  }));
  assertEquals(advice.recommended.model, "sequential");
  assertEquals(advice.recommended.decision, "can't tell");
  const hazard = advice.hazards.find(({ kind }) => kind === "impossible")!;
  assertStringIncludes(hazard.text, "The measurement can't be right, because");
  assertEquals(advice.models.find(({ model }) => model === "workers")?.out, "impossible");
});

/** Jobs whose items differ, by what the item at a place computes, in milliseconds. */
const SHAPES: Readonly<Record<string, (place: number) => number>> = {
  "grow": (place) => 1 + place * place / 100,
  "fall": (place) => 1 + (99 - place) ** 2 / 100,
  "come in two kinds": (place) => place < 50 ? 2 : 40,
  "have a heavy tail": (place) => place % 10 === 7 ? 100 : 3,
};

for (const [what, shape] of Object.entries(SHAPES)) {
  Deno.test(`scaledMs() gives items that ${what} a gain that the machine can give`, () => {
    const probed = probedOf({ computeMs: 1, items: 100 });
    const order = spreadOrder(100);
    const stretches = probed.stretches.map((stretch, turn) => {
      const ms = shape(order[turn]!);
      return { ...stretch, wallMs: ms, cpuMs: ms, syncMs: ms, syncCpuMs: ms };
    });
    const sample = sampleOf({ ...probed, stretches });
    const truth = (items: number) =>
      order.slice(0, items).reduce((sum, place) => sum + shape(place), 0);
    // The plain loop runs some items, and the workers others: both come to the same job.
    for (const [few, more] of [[20, 60], [12, 30], [60, 20]] as const) {
      const round = (runMs: number) => roundOf({ runMs });
      const plain = scaledMs(sample, MACHINE, SEQUENTIAL, few, 100, round(truth(few)));
      const two = scaledMs(sample, MACHINE, WORKERS, more, 100, round(truth(more) / 1.9));
      assert(Math.abs(plain / truth(100) - 1) < 0.05, `${few}: ${plain} of ${truth(100)}`);
      const gain = plain / two;
      assert(gain > 1.5 && gain < 2.2, `${few}, ${more}: ${gain}`);
    }
    const { runMs } = predict(sample, SEQUENTIAL, 100, MACHINE);
    assert(Math.abs(runMs / truth(100) - 1) < 0.05);
  });
}
