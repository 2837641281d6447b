import { assertEquals } from "@std/assert";
import { sizeText, SWEEP_FORMAT } from "../../lib/scaling/sweep_result.ts";
import { resultOf } from "./measured.ts";
import { ratesOf } from "./rates.ts";

Deno.test("sizeText() counts lanes, or else slots", () => {
  assertEquals([sizeText("lanes", 1), sizeText("lanes", 2)], ["1 lane", "2 lanes"]);
  assertEquals([sizeText("slots", 1), sizeText("rate", 1000)], ["1 slot", "1,000 slots"]);
  assertEquals(sizeText("slots", 1, 8), "1, 8 slots");
});

Deno.test("a sweep's file has its sizes and rates in order, and those of its axis alone", async () => {
  const { inconsistency } = SWEEP_FORMAT;
  const swept = await resultOf((slots) => 100 * slots, { sizes: [1, 2, 4], refineSteps: 0 });
  const rates = await ratesOf();
  assertEquals([inconsistency(swept), inconsistency(rates)], [undefined, undefined]);
  const [one, two, four] = swept.points as [
    typeof swept.points[0],
    typeof swept.points[0],
    typeof swept.points[0],
  ];
  const late = (points: typeof swept.points) => inconsistency({ ...swept, points });
  assertEquals(late([two, one, four]), "points[1].size isn't above the one before");
  assertEquals(late([one, four, four]), "points[2].size isn't above the one before");
  const openLoop = rates.openLoop.toReversed();
  assertEquals(
    inconsistency({ ...rates, openLoop }),
    "openLoop[1].ratePerSecond isn't above the one before",
  );
  assertEquals(inconsistency({ ...swept, axis: "rate" }), `axis is "rate", but there are points`);
  assertEquals(
    inconsistency({ ...rates, axis: "lanes" }),
    `axis is "lanes", but openLoop has rates`,
  );
  assertEquals(inconsistency({ ...rates, openLoop: [] }), undefined);
});
