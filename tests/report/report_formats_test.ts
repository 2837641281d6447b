import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/options.ts";
import { checkFormats, reportRenderers, reportText } from "../../lib/report/report_formats.ts";
import type { ReportFile } from "../../lib/report/report_file.ts";
import { adviceFileOf } from "../advice/advice_file.ts";
import { adviceOn, asPredicted } from "../advice/advice_on.ts";
import { ratesOf } from "../scaling/rates.ts";
import { cpuComparison, ioComparison, resultOf } from "./fixture.ts";
import { lessonFile } from "./lesson/fixture.ts";
import { peersFile } from "./peers/fixture.ts";
import { switchFile } from "./switching/fixture.ts";

const files = {
  io: resultOf(ioComparison()),
  advice: adviceFileOf(await adviceOn({ waitMs: 20 }, asPredicted)),
  sweep: await ratesOf(),
  race: peersFile(),
  switches: switchFile(),
  lesson: lessonFile("en"),
} satisfies Record<string, ReportFile>;
const { io, advice, sweep, race, switches, lesson } = files;

const REFUSED: readonly (readonly [ReportFile[], "csv" | "trace" | "html", string])[] = [
  [[advice], "csv", "no table of rounds of advice; use --markdown"],
  [[io, switches], "csv", "no table of rounds of experiments on switching"],
  [[lesson], "csv", "no table of rounds of a lesson"],
  [[race, io], "csv", "the table of a race has columns of its own; give one race at a time"],
  [[sweep, sweep], "csv", "the table of a sweep has columns of its own; give one sweep at a time"],
  [[io, sweep], "trace", "no trace of a sweep; leave it out"],
  [[lesson, io], "html", "a lesson is a page of its own; give it alone"],
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
  checkFormats([io, resultOf(cpuComparison())], all);
  for (const file of [sweep, race]) checkFormats([file], { csv: "a.csv", html: "a.html" });
  checkFormats([lesson], { html: "a.html" });
  checkFormats([io, advice, sweep, race, switches], { html: "a.html", markdown: "a.md" });
});

Deno.test("every kind of file has a text, Markdown, a page and JSON", async () => {
  for (const [name, file] of Object.entries(files)) {
    const { json, markdown, html } = reportRenderers([file]);
    assert(reportText(file, { columns: 80, colour: false }).length > 200, name);
    assertStringIncludes(await markdown(), "\n\n<sub>");
    assertStringIncludes(await html(), "<!doctype html>");
    assertEquals(JSON.parse(await json()), JSON.parse(JSON.stringify(file)));
  }
});

Deno.test("several files of comparisons are one table and one trace", async () => {
  const { csv, trace } = reportRenderers([io, resultOf(cpuComparison())]);
  const table = await csv();
  for (const name of ["download 160 pages,", "20 sums of squares,"]) {
    assertStringIncludes(table, `\n${name}`);
    assertStringIncludes(await trace(), `: ${name.slice(0, -1)}`);
  }
  assertStringIncludes(await reportRenderers([race]).csv(), "contender");
  assertStringIncludes(await reportRenderers([sweep]).csv(), "ratePerSecond");
});
