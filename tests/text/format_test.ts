import { assert, assertEquals } from "@std/assert";
import fc from "../properties.ts";
import { granted } from "../granted.ts";
import {
  counted,
  formatBytes,
  formatDuration,
  formatEnds,
  formatNumber,
  formatPercent,
  formatRatio,
  formatShortDuration,
  formatSmall,
  formatSpeedup,
} from "../../lib/text/format.ts";

const FORMATTERS = { formatBytes, formatDuration, formatNumber, formatPercent, formatRatio };
const anyNumber = fc.double();

Deno.test("formatDuration() chooses the unit and rounds, at its edges too", () => {
  const shown: [number, string][] = [
    [0, "0 ms"],
    [0.0001, "0 ms"],
    [0.4, "0.40 ms"],
    [1, "1.00 ms"],
    [9.994, "9.99 ms"],
    [9.996, "10.0 ms"],
    [99.96, "100 ms"],
    [999.4, "999 ms"],
    [999.6, "1.00 s"],
    [1500, "1.50 s"],
    [59_940, "59.9 s"],
    [59_999, "1m"],
    [61_500, "1m 2s"],
    [3_600_000, "1h"],
    [2.5e18, "2.5e+15 s"],
    [-1500, "−1.50 s"],
    [-0.4, "−0.40 ms"],
    [NaN, "–"],
    [Infinity, "∞"],
    [-Infinity, "−∞"],
  ];
  for (const [ms, text] of shown) assertEquals(formatDuration(ms), text);
});

Deno.test("formatShortDuration() tells less than a tenth of a millisecond in microseconds", () => {
  assertEquals([0.0999, 0.1, 2].map(formatShortDuration), ["99.9 µs", "0.10 ms", "2.00 ms"]);
});

Deno.test("formatBytes() chooses the unit, at its edges too", () => {
  const shown: [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1500, "1.5 kB"],
    [62_140_000, "62.1 MB"],
    [176_400_000, "176 MB"],
    [-5, "−5 B"],
    [NaN, "–"],
    [Infinity, "∞"],
  ];
  for (const [bytes, text] of shown) assertEquals(formatBytes(bytes), text);
});

Deno.test("formatPercent() and formatRatio() round, at their edges too", () => {
  assertEquals(formatPercent(0), "0%");
  assertEquals(formatPercent(0.001), "<1%");
  assertEquals(formatPercent(0.126), "13%");
  assertEquals(formatPercent(-0.1), "−10%");
  assertEquals(formatPercent(NaN), "–");
  assertEquals(formatRatio(1.984), "1.98×");
  assertEquals(formatRatio(0), "0×");
  assertEquals(formatRatio(NaN), "–");
  assertEquals(formatRatio(Infinity), "∞×");
});

Deno.test("intervals show their middle and both ends", () => {
  assertEquals(formatSpeedup({ median: 12.34, low: 11.96, high: 12.8 }), "12.3× 12.0–12.8");
});

Deno.test("no formatter says NaN, Infinity, undefined or nothing, whatever the number", () => {
  for (const format of Object.values(FORMATTERS)) {
    fc.assert(fc.property(anyNumber, (value) => {
      const text = format(value);
      assert(/[\d∞–]/.test(text), text);
      assert(!/NaN|Infinity|undefined|null/.test(text), text);
      assert(text.length <= 26, text);
    }));
  }
});

Deno.test("formatters show a negative number as its positive twin with a minus", () => {
  for (const format of Object.values(FORMATTERS)) {
    fc.assert(fc.property(fc.double({ min: 1e-300, noNaN: true }), (value) => {
      assertEquals(format(-value), `−${format(value)}`);
    }));
  }
});

Deno.test("formatNumber() is within half a per cent of the number", () => {
  fc.assert(fc.property(fc.double({ min: 1, max: 1e14, noNaN: true }), (value) => {
    assert(Math.abs(Number(formatNumber(value)) / value - 1) <= 0.0051, formatNumber(value));
  }));
});

Deno.test("formatNumber() never shows the smaller number as the larger", () => {
  const number = fc.double({ min: 0, max: 1e14, noNaN: true });
  fc.assert(fc.property(number, number, (a, b) => {
    const [less, more] = a < b ? [a, b] : [b, a];
    assert(Number(formatNumber(less)) <= Number(formatNumber(more)));
  }));
});

Deno.test({
  name: "the locale of the environment changes no figure",
  ignore: !granted("run", "read"),
  async fn() {
    const format = new URL("../../lib/text/format.ts", import.meta.url).href;
    const code = `import * as f from "${format}";
      console.log(f.formatBytes(1_234_567), f.formatDuration(1234.5), f.formatNumber(12345.6));`;
    const texts = await Promise.all(["de_DE.UTF-8", "ar_EG.UTF-8", "C"].map(async (locale) => {
      const { stdout } = await new Deno.Command(Deno.execPath(), {
        args: ["eval", code],
        env: { LC_ALL: locale, LANG: locale, TZ: "Asia/Tokyo", NO_COLOR: "1" },
        cwd: new URL("../..", import.meta.url),
        stderr: "null",
      }).output();
      return new TextDecoder().decode(stdout);
    }));
    assertEquals(texts, Array(3).fill("1.2 MB 1.23 s 12346\n"));
  },
});

Deno.test("counted() makes a noun's plural by how it ends", () => {
  assertEquals(
    ["item", "process", "box", "batch", "push"].map((noun) => counted(2, noun)),
    ["2 items", "2 processes", "2 boxes", "2 batches", "2 pushes"],
  );
  assertEquals([counted(1, "process"), counted(1200, "item", "1,200")], [
    "1 process",
    "1,200 items",
  ]);
});

Deno.test("formatSmall() keeps two digits of a number, however small", () => {
  assertEquals([0, 0.5, 0.0123, 0.001, 0.00012].map(formatSmall), [
    "0",
    "0.50",
    "0.012",
    "0.0010",
    "1.2e−4",
  ]);
});

Deno.test("an interval of ends that are far apart is no figure", () => {
  const ends = (low: number, high: number) => formatSpeedup({ median: 2.64, low, high });
  assertEquals(ends(0.5, 50), "2.64× 0.50–50.0");
  assertEquals(ends(0.0017, 4069), "2.64× unsure");
  assertEquals(ends(0, 3), "2.64× unsure");
  assertEquals(
    formatEnds({ low: 5, high: 5 }, { format: formatDuration, to: " to " }),
    "5.00 ms to 5.00 ms",
  );
  assertEquals(formatEnds({ low: 0, high: 0 }), "0–0");
});
