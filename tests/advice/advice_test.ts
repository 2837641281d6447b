import { assertEquals } from "@std/assert";
import { type Advice, ADVICE_FORMAT } from "../../lib/advice/advice.ts";
import { adviceOn, asPredicted } from "./advice_on.ts";
import { adviceFileOf } from "./advice_file.ts";
import { granted } from "../granted.ts";
import { faultsOf } from "../json_schemas.ts";

/** Jobs at the extremes. */
const JOBS: Readonly<Record<string, Parameters<typeof adviceOn>[0]>> = {
  "waits": { waitMs: 20 },
  "computes": { computeMs: 20 },
  "does both": { computeMs: 6, waitMs: 6 },
  "is small": { computeMs: 0.05 },
  "takes no time that a clock could see": { computeMs: 0, waitMs: 0 },
  "has one item": { computeMs: 50, items: 1 },
  "has two items": { waitMs: 50, items: 2 },
  "has endless items": { waitMs: 20, total: null },
  "takes an hour an item": { computeMs: 3.6e6, items: 10 },
  "has a slow source": { waitMs: 10, sourceMs: 30 },
  "sends gigabytes": {
    computeMs: 20,
    transfer: { itemBytes: 4e9, resultBytes: 4e9, cloneMs: 9000 },
  },
  "sends what can't be sent": {
    computeMs: 20,
    transfer: { uncloneable: "its item is a function" },
  },
  "hardly gets a CPU": { computeMs: 20, available: 0.01 },
};

function assertWhole(advice: Advice): void {
  const text = JSON.stringify(adviceFileOf(advice));
  const { data: value, error } = ADVICE_FORMAT.schema.safeParse(JSON.parse(text));
  assertEquals(error, undefined);
  // No number became null, and the schema knows every field.
  assertEquals(value, JSON.parse(text));
  assertEquals(ADVICE_FORMAT.inconsistency(value!), undefined);
  if (granted("read")) assertEquals(faultsOf("advice", text), []);
}

for (const [what, made] of Object.entries(JOBS)) {
  Deno.test(`advice on a job that ${what} survives its file`, async () => {
    assertWhole(await adviceOn(made, asPredicted));
  });
}

Deno.test("advice survives its file also where models fail, differ, or are refuted", async () => {
  const made = { computeMs: 6, waitMs: 6 };
  assertWhole(await adviceOn(made, (_, items) => ({ runMs: items, failed: items })));
  assertWhole(await adviceOn(made, ({ model }, _, runMs) => ({ runMs, checksum: model })));
  assertWhole(await adviceOn(made, () => ({ runMs: 0 })));
  assertWhole(await adviceOn(made, asPredicted, { budgetMs: 1 }));
});

Deno.test("a recommendation that is none of the models is named", async () => {
  const advice = await adviceOn({ waitMs: 20 }, asPredicted);
  const recommended = { ...advice.recommended, name: "threads" };
  const file = adviceFileOf({ ...advice, recommended });
  assertEquals(
    ADVICE_FORMAT.inconsistency(file),
    "advice.recommended.name is none of the models",
  );
});

Deno.test("advice that was written before its findings had figures can still be read", async () => {
  const advice = await adviceOn(
    { waitMs: 20 },
    ({ model }, _, runMs) => ({ runMs, checksum: model }),
  );
  const { decision: _decision, retries: _retries, ...recommended } = advice.recommended;
  const { taskBytes: _taskBytes, ...sample } = advice.sample;
  const hazards = advice.hazards.map(({ kind, text }) => ({ kind, text }));
  assertWhole({ ...advice, recommended, sample, hazards });
});
