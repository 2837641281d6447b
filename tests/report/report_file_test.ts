import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { byKind, parseReportFile, readReportFile } from "../../lib/report/report_file.ts";
import { RESULT_FILE_BYTES, ResultFileError } from "../../lib/timing/json_file.ts";
import { granted } from "../granted.ts";
import { edited } from "../json_schemas.ts";
import { ioComparison, resultOf } from "./fixture.ts";
import { adviceFileOf } from "../advice/advice_file.ts";
import { adviceOn, asPredicted } from "../advice/advice_on.ts";
import { resultOf as sweepOf } from "../scaling/measured.ts";
import { ratesOf } from "../scaling/rates.ts";

const comparison = resultOf(ioComparison());
const advice = adviceFileOf(await adviceOn({ waitMs: 20 }, asPredicted));
const sweep = await sweepOf({ lambda: 50, sigma: 0.05, kappa: 1e-3 });
const rates = await ratesOf();
const files = { comparison, advice, sweep, rates };

function fault(text: string): string {
  const error = assertThrows(() => parseReportFile(text, "a.json"), ResultFileError);
  assert(error.message.startsWith('Cannot read result file "a.json": '));
  assert(!error.message.includes("\n"), "one line");
  return error.message.slice(34);
}

for (const [name, file] of Object.entries(files)) {
  const text = JSON.stringify(file);

  Deno.test(`parseReportFile() gives back a file with ${name}`, () => {
    assertEquals<unknown>(parseReportFile(text, "a.json"), JSON.parse(text));
  });

  Deno.test(`parseReportFile() says that a file with ${name} is truncated, wherever it ends`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: text.length - 1 }), (end) => {
        assert(fault(text.slice(0, end)).includes("truncated"));
      }),
      { numRuns: 50 },
    );
  });

  Deno.test(`parseReportFile() says which version a file with ${name} has`, () => {
    const message = fault(edited(text, ["schemaVersion"], 7));
    assert(message.includes("schema version 7, and this program reads 1"), message);
  });
}

Deno.test("parseReportFile() names the field that was edited to nonsense, in any kind", () => {
  const adviceText = JSON.stringify(advice), sweepText = JSON.stringify(sweep);
  const path = ["advice", "models", 1, "measured", "totalMs"];
  assertEquals(
    fault(edited(adviceText, path, null)).split(":")[0],
    "advice.models[1].measured.totalMs is wrong",
  );
  assertEquals(
    fault(edited(sweepText, ["points", 0, "rounds", 0, "runMs"], "soon")).split(":")[0],
    "points[0].rounds[0].runMs is wrong",
  );
});

Deno.test("parseReportFile() refuses what a schema can't see", () => {
  const name = edited(JSON.stringify(advice), ["advice", "recommended", "name"], "threads");
  assert(fault(name).includes("recommended.name is none of the models"));
  const size = edited(JSON.stringify(sweep), ["points", 1, "size"], 1);
  assert(fault(size).includes("points[1].size isn't above the one before"));
  const rate = edited(JSON.stringify(rates), ["openLoop", 1, "ratePerSecond"], 100);
  assert(fault(rate).includes("openLoop[1].ratePerSecond isn't above"));
  const axis = edited(JSON.stringify(rates), ["axis"], "slots");
  assert(fault(axis).includes('axis is "slots", but openLoop has rates'));
  assert(fault(edited(JSON.stringify(sweep), ["axis"], "rate")).includes("there are points"));
});

Deno.test("parseReportFile() says which kinds there are, to a file of none of them", () => {
  assertEquals(
    fault('{"schemaVersion": 1, "kind": "song"}'),
    'its kind is "song"; name a file that io, cpu, advise, sweep, peers, switch, run or lesson wrote with --json',
  );
});

Deno.test("parseReportFile() never lets anything but its own error out", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void fault(text)));
  const kinds = fc.constantFrom("advice", "sweep", undefined);
  fc.assert(fc.property(kinds, fc.dictionary(fc.string(), fc.jsonValue()), (kind, rest) => {
    fault(JSON.stringify({ ...rest, schemaVersion: 1, kind }));
  }));
});

Deno.test("byKind() keeps the order within each kind", () => {
  assertEquals(byKind([rates, advice, comparison, sweep]), [comparison, advice, rates, sweep]);
});

Deno.test({
  name: "readReportFile() refuses a missing file, a folder, and one too large, without reading it",
  ignore: !granted("read", "write"),
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/advice.json`, JSON.stringify(advice));
      assertEquals<unknown>(
        await readReportFile(`${folder}/advice.json`),
        JSON.parse(JSON.stringify(advice)),
      );
      const read = (name: string) => readReportFile(`${folder}/${name}`);
      await assertRejects(() => read("missing.json"), ResultFileError, "no such file");
      await assertRejects(() => readReportFile(folder), ResultFileError, "it is a folder");
      using file = await Deno.open(`${folder}/huge.json`, { create: true, write: true });
      await file.truncate(RESULT_FILE_BYTES + 2 ** 20);
      await assertRejects(() => read("huge.json"), ResultFileError, "201 MiB, and at most 200 MiB");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
