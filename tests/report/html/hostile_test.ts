import { assertEquals, assertLess } from "@std/assert";
import fc from "../../properties.ts";
import { ADVICE_FORMAT } from "../../../lib/advice/advice.ts";
import { adviceReport } from "../../../lib/report/advice/advice_report.ts";
import { markup } from "../../../lib/report/html/markup.ts";
import { renderDocument } from "../../../lib/report/html/page.ts";
import { reportPage } from "../../../lib/report/kinds.ts";
import { sweepReport } from "../../../lib/report/scaling/sweep_report.ts";
import { SWEEP_FORMAT } from "../../../lib/scaling/sweep_result.ts";
import type { FileFormat } from "../../../lib/timing/json_file.ts";
import { RESULT_FORMAT } from "../../../lib/timing/result.ts";
import { adviceFileOf } from "../../advice/advice_file.ts";
import { adviceOn, asPredicted } from "../../advice/advice_on.ts";
import { PROFILE } from "../../advice/profile/fixture.ts";
import { assertInert } from "./assert_inert.ts";
import { chance, resultOf, simulate } from "./fixture.ts";
import { HOSTILE_STRINGS, poison, readable } from "./hostile.ts";
import { resultOf as sweepOf } from "../../scaling/measured.ts";
import { ratesOf } from "../../scaling/rates.ts";

Deno.test("a page stays inert and complete whatever strings and numbers its file holds", () => {
  const result = resultOf(
    simulate({ name: "small", kind: "io", tasks: 6, takesMs: 50, rounds: 2 }),
  );
  fc.assert(
    fc.property(fc.integer(), fc.double({ min: 0, max: 1, noNaN: true }), (seed, share) => {
      const random = chance(seed);
      const pick = (count: number) => random() < share ? Math.floor(random() * count) : -1;
      const page = reportPage([readable(poison(result, pick), result, RESULT_FORMAT)]);
      assertInert(page);
      assertLess(page.length, 1_000_000);
    }),
    { numRuns: 40 },
  );
});

for (const [i, text] of HOSTILE_STRINGS.entries()) {
  Deno.test(`a page whose every text is hostile string ${i} stays inert`, () => {
    const result = resultOf(simulate({ name: "x", kind: "cpu", tasks: 3, takesMs: 50, rounds: 2 }));
    const replaced = JSON.parse(
      JSON.stringify(result),
      (_, value) => typeof value === "string" ? text : value,
    );
    assertInert(reportPage([replaced]));
    assertInert(renderDocument(text, [{ id: "a", title: text, html: markup`` }]));
  });
}

const advice = adviceFileOf({
  ...await adviceOn({ computeMs: 6, waitMs: 6 }, asPredicted),
  profile: PROFILE,
});
const sweep = await sweepOf({ lambda: 50, sigma: 0.05, kappa: 1e-3 });
const rates = await ratesOf();

Deno.test("advice and sweeps of any strings and numbers make a page that stays inert", () => {
  fc.assert(
    fc.property(fc.integer(), fc.double({ min: 0, max: 1, noNaN: true }), (seed, share) => {
      const random = chance(seed);
      const pick = (count: number) => random() < share ? Math.floor(random() * count) : -1;
      const page = reportPage([
        readable(poison(advice, pick), advice, ADVICE_FORMAT),
        ...[sweep, rates].map((file) => readable(poison(file, pick), file, SWEEP_FORMAT)),
      ]);
      assertInert(page);
      assertLess(page.length, 1_000_000);
    }),
    { numRuns: 30 },
  );
});

/** The same file with one text in place of every string. */
function filledWith<T>(file: T, text: string, format: FileFormat<T>): T {
  const filled = JSON.parse(
    JSON.stringify(file),
    (_, value) => typeof value === "string" ? text : value,
  );
  return readable(filled, file, format);
}

for (const [i, text] of HOSTILE_STRINGS.entries()) {
  Deno.test(`advice and sweeps whose every text is hostile string ${i} stay inert`, () => {
    const files = [
      filledWith(advice, text, ADVICE_FORMAT),
      ...[sweep, rates].map((file) => filledWith(file, text, SWEEP_FORMAT)),
    ];
    assertInert(reportPage(files));
    for (const file of files) assertInert(reportPage([file]));
  });

  Deno.test(`hostile string ${i} steers no terminal, and formats no Markdown`, () => {
    const file = filledWith(advice, text, ADVICE_FORMAT);
    const shown = adviceReport(file).text({ columns: 80, colour: false });
    // deno-lint-ignore no-control-regex
    assertEquals(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e]/.test(shown), false);
    for (
      const markdown of [
        adviceReport(file).markdown(),
        sweepReport(filledWith(sweep, text, SWEEP_FORMAT)).markdown(),
      ]
    ) {
      const outside = markdown.replaceAll(/^(`{3,})ts\n[^]*?\n\1$/gm, "");
      assertEquals(/<(?!\/?sub>)|javascript:.*\]\(|]\(|^={2}/m.test(outside), false, outside);
      // deno-lint-ignore no-control-regex
      assertEquals(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(markdown), false);
    }
  });
}

Deno.test("code that holds a fence of Markdown does not end its block", () => {
  const code = "const a = `x`;\n```\n<script>alert(1)</script>\n";
  const text = adviceReport({ ...advice, advice: { ...advice.advice, code } }).markdown();
  const [opening, ...rest] = text.split("\n").filter((line) => line.startsWith("````"));
  assertEquals([opening, rest], ["````ts", ["````"]]);
});
