import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { checkOutputFiles, type Format, FORMATS } from "../../lib/files/output_files.ts";
import { attempt } from "../../lib/lanes/attempt.ts";
import { UsageError } from "../../lib/text/option_values.ts";
import {
  byKind,
  checkFormats,
  isPartial,
  readReportFile,
  type ReportFile,
  reportRenderers,
  reportText,
} from "../../lib/report/kinds.ts";
import { adviceFileOf } from "../advice/advice_file.ts";
import { adviceOn, asPredicted } from "../advice/advice_on.ts";
import { ratesOf } from "../scaling/rates.ts";
import { LANGUAGES } from "../../lib/report/speaker.ts";
import { cpuComparison, ioComparison, resultOf } from "./fixture.ts";
import { lessonFile } from "./lesson/fixture.ts";
import { asReport } from "../../scripts/peers/harness/peers_report.ts";
import { peersFile } from "../scripts/peers/harness/fixture.ts";
import { runFile } from "./running/fixture.ts";
import { switchFile } from "./switching/fixture.ts";
import fc from "../properties.ts";
import { RESULT_FILE_BYTES, ResultFileError } from "../../lib/timing/json_file.ts";
import { granted } from "../granted.ts";
import { edited, parseReportFile } from "../json_schemas.ts";
import { resultOf as sweepOf } from "../scaling/measured.ts";

const comparison = resultOf(ioComparison());
const advice = adviceFileOf(await adviceOn({ waitMs: 20 }, asPredicted));
const sweep = await sweepOf({ lambda: 50, sigma: 0.05, kappa: 1e-3 });
const rates = await ratesOf();
const race = asReport(peersFile());
const switches = switchFile();
const lesson = lessonFile("en");

const REFUSED: readonly (readonly [ReportFile[], "csv" | "trace" | "html", string])[] = [
  [[advice], "csv", "no table of rounds of advice; use --markdown"],
  [[comparison, switches], "csv", "no table of rounds of experiments on switching"],
  [[lesson], "csv", "no table of rounds of a lesson"],
  [
    [race, comparison],
    "csv",
    "the table of a race has columns of its own; give one race at a time",
  ],
  [[rates, rates], "csv", "the table of a sweep has columns of its own; give one sweep at a time"],
  [[comparison, rates], "trace", "no trace of a sweep; leave it out"],
  [[lesson, comparison], "html", "a lesson is a page of its own; give it alone"],
];

for (const [given, format, problem] of REFUSED) {
  Deno.test(`--${format} is refused where it makes no sense: ${problem}`, () => {
    const error = assertThrows(() => checkFormats(given, { [format]: "out" }), UsageError);
    assertStringIncludes(error.message, `--${format} "out": `);
    assertStringIncludes(error.message, problem);
  });
}

Deno.test("what makes sense of files is taken", () => {
  const all = { csv: "a.csv", trace: "a.json", html: "a.html" };
  checkFormats([comparison, resultOf(cpuComparison())], all);
  for (const file of [rates, race]) checkFormats([file], { csv: "a.csv", html: "a.html" });
  checkFormats([lesson], { html: "a.html" });
  checkFormats([comparison, advice, rates, race, switches], { html: "a.html", markdown: "a.md" });
});

Deno.test("every kind of file has a text, Markdown, a page and JSON", async () => {
  const files = { comparison, advice, rates, race, switches, lesson };
  for (const [name, file] of Object.entries(files)) {
    const { json, markdown, html } = reportRenderers([file]);
    assert(reportText(file, { columns: 80, colour: false }).length > 200, name);
    assertStringIncludes(await markdown(), "\n\n<sub>");
    assertStringIncludes(await html(), "<!doctype html>");
    assertEquals(JSON.parse(await json()), JSON.parse(JSON.stringify(file)));
  }
});

Deno.test("several files of comparisons are one table and one trace", async () => {
  const { csv, trace } = reportRenderers([comparison, resultOf(cpuComparison())]);
  const table = await csv();
  assertEquals(JSON.parse(await trace()).otherData.others, [comparison.environment]);
  for (const name of ["download 160 pages,", "20 sums of squares,"]) {
    assertStringIncludes(table, `\n${name}`);
    assertStringIncludes(await trace(), `: ${name.slice(0, -1)}`);
  }
  assertStringIncludes(await reportRenderers([race]).csv(), "contender");
  assertStringIncludes(await reportRenderers([rates]).csv(), "ratePerSecond");
});

Deno.test("files of the same job are told apart in a table and a trace by when they were measured", async () => {
  const again = { ...comparison.environment, startedAt: "2026-01-02T03:05:00.000Z" };
  const { csv, trace } = reportRenderers([comparison, { ...comparison, environment: again }]);
  const [head, ...rows] = (await csv()).trim().split("\r\n").map((row) => row.split(","));
  const times = rows.map((row) => row[head!.indexOf("startedAt")]);
  assertEquals([...new Set(times)], [comparison.environment.startedAt, again.startedAt]);
  for (const when of ["03:04:05", "03:05:00"]) {
    assertStringIncludes(await trace(), `download 160 pages, 2026-01-02 ${when} UTC`);
  }
});

Deno.test("an interrupted run is partial in whatever is made of it", async () => {
  const run = runFile();
  assert(!isPartial(run));
  const stopped = { ...run, run: { ...run.run, ended: "interrupted" as const } };
  assert(isPartial(stopped));
  assertEquals(JSON.parse(await reportRenderers([stopped]).trace()).otherData.partial, true);
});

Deno.test({
  name: "what was written is written over by the same option alone, and nothing else is by any",
  ignore: !granted("read", "write"),
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/there`;
    const isTaken = (format: Format) =>
      checkOutputFiles({ [format]: path }).then(() => true, (error) => {
        assertInstanceOf(error, UsageError);
        const { message } = error;
        assertStringIncludes(message, `it exists, and isn't what --${format} writes; name another`);
        return false;
      });
    const assertTakenBy = async (text: string, formats: Format[]) => {
      await Deno.writeTextFile(path, text);
      const taken: Format[] = [];
      for (const format of FORMATS) if (await isTaken(format)) taken.push(format);
      assertEquals(taken, formats, text.slice(0, 200));
      assertEquals(await Deno.readTextFile(path), text);
    };
    try {
      const lessons = LANGUAGES.map(lessonFile);
      const long = { ...rates, warnings: ["much ".repeat(50_000)] };
      const files = [comparison, advice, sweep, rates, race, switches, runFile(), long, ...lessons];
      for (const file of files) {
        const renderers = reportRenderers([file]);
        for (const format of FORMATS) {
          const text = await attempt(renderers[format]);
          if (text !== undefined) await assertTakenBy(text, [format]);
        }
      }
      await assertTakenBy("", [...FORMATS]);
      for (
        const text of [
          'export const items = [1]; // <meta name="generator" content="Lanes">',
          '{ "imports": {} }',
          '{ "version": "5" }',
          "# Notes\n\n<sub>mine</sub>\n",
          `# Notes\n\n${await reportRenderers([comparison]).markdown()}`,
          "<!doctype html>\n<title>mine</title>",
          "job,wage\nbaker,100\n",
          '{"traceEvents":[],"displayTimeUnit":"ms"}\n',
          "\n",
        ]
      ) await assertTakenBy(text, []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

const measured = { comparison, advice, sweep, rates };

function fault(text: string): string {
  const error = assertThrows(() => parseReportFile(text, "a.json"), ResultFileError);
  assert(error.message.startsWith('Cannot read result file "a.json": '));
  assert(!error.message.includes("\n"), "one line");
  return error.message.slice(34);
}

for (const [name, file] of Object.entries(measured)) {
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
    'its kind is "song"; name a file that io, cpu, advise, sweep, switch, run, lesson or peers wrote with --json',
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
      await assertRejects(() => read("huge.json"), ResultFileError, "it goes on beyond 210 MB");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
