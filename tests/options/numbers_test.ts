import { assertAlmostEquals, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  duration,
  LONGEST_WAIT_MS,
  nonNegativeInteger,
  nonNegativeNumber,
  positiveInteger,
  share,
  UsageError,
} from "../../lib/options.ts";

/** What JavaScript would make a number of, or almost, and what nobody means as one. */
const NEVER = [
  "",
  " ",
  " 5 ",
  "5 ",
  "\t5",
  "５",
  "٥",
  "NaN",
  "Infinity",
  "-Infinity",
  "null",
  "abc",
  "5x",
  "x5",
  "-1",
  "-0",
  "+5",
  "0x10",
  "0b1",
  "0o7",
  "1e3",
  "1e9999",
  "1e-3",
  "5n",
  "5,000",
  "1 000",
  ".5",
  "5.",
  "5..5",
  "5.5.5",
  "_5",
  "5_",
  "5__0",
  "½",
  "²",
  "5\n",
  "5\u0000",
  "--5",
  "true",
  "[5]",
];

function refused(read: () => unknown): UsageError {
  const error = assertThrows(read, UsageError) as UsageError;
  assertEquals(error.message.includes("\n"), false, "more than one line");
  return error;
}

for (
  const [name, read] of [
    ["positiveInteger()", positiveInteger],
    ["nonNegativeInteger()", nonNegativeInteger],
    ["nonNegativeNumber()", nonNegativeNumber],
    ["duration()", duration],
    ["share()", share],
  ] as const
) {
  Deno.test(`${name} takes only what is plainly written`, () => {
    for (const text of NEVER) {
      const error = refused(() => read("--x", text));
      assertEquals([error.option, error.value], ["--x", text]);
      assertMatch(error.message, /^--x ".*": .+; .+/);
    }
  });

  Deno.test(`${name} gives a finite number of zero or more, or refuses`, () => {
    fc.assert(fc.property(fc.string(), (text) => {
      try {
        const value = read("--x", text);
        assertEquals(Number.isFinite(value) && value >= 0, true);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
      }
    }));
  });
}

Deno.test("positiveInteger() reads back every whole number written out", () => {
  fc.assert(fc.property(fc.maxSafeNat(), (n) => {
    assertEquals(nonNegativeInteger("--x", String(n)), n);
    assertEquals(positiveInteger("--x", String(n + 1), { max: 2 ** 53 }), n + 1);
  }));
});

Deno.test("positiveInteger() takes digits grouped by low lines, and leading zeros", () => {
  assertEquals(positiveInteger("--start", "5_000_000"), 5_000_000);
  assertEquals(positiveInteger("--start", "007"), 7);
});

Deno.test("positiveInteger() refuses zero, fractions, and what is no longer exact", () => {
  assertMatch(refused(() => positiveInteger("--x", "0")).remedy, /1 or more/);
  refused(() => positiveInteger("--x", "5.5"));
  refused(() => positiveInteger("--x", "9007199254740993"));
  refused(() => positiveInteger("--x", "9".repeat(400)));
  assertEquals(positiveInteger("--x", "9007199254740991"), Number.MAX_SAFE_INTEGER);
});

Deno.test("positiveInteger() names the bound that was passed", () => {
  assertEquals(positiveInteger("--x", "10", { max: 10 }), 10);
  assertMatch(refused(() => positiveInteger("--x", "11", { max: 10 })).remedy, /10 or less/);
  assertMatch(refused(() => positiveInteger("--x", "2", { min: 3 })).remedy, /3 or more/);
});

Deno.test("nonNegativeNumber() takes zero and fractions", () => {
  assertEquals(nonNegativeNumber("--x", "0"), 0);
  assertEquals(nonNegativeNumber("--x", "12.25"), 12.25);
  refused(() => nonNegativeNumber("--x", "5", { max: 4.5 }));
  refused(() => nonNegativeNumber("--x", "9".repeat(400)));
});

Deno.test("duration() takes milliseconds, seconds, minutes and hours", () => {
  for (
    const [text, ms] of [
      ["0", 0],
      ["20", 20],
      ["500ms", 500],
      ["10s", 10_000],
      ["1.5s", 1_500],
      ["2m", 120_000],
      ["1h", 3_600_000],
    ] as const
  ) assertEquals(duration("--x", text), ms);
});

Deno.test("duration() refuses other units, blanks before units, and what no timer can wait", () => {
  for (const text of ["5d", "5 s", "5S", "5min", "s", "ms", "1m30s"]) {
    refused(() => duration("--x", text));
  }
  assertEquals(duration("--x", String(LONGEST_WAIT_MS)), LONGEST_WAIT_MS);
  assertMatch(refused(() => duration("--x", "36000m")).message, /too long/);
  refused(() => duration("--x", "9".repeat(400) + "h"));
});

Deno.test("duration() refuses zero where a time is needed", () => {
  assertMatch(refused(() => duration("--timeout", "0s", { min: 1 })).remedy, /1ms or more/);
});

Deno.test("share() takes a number from 0 to 1, or a percentage", () => {
  assertEquals(["0", "1", "0.25", "25%", "100%", "0%"].map((text) => share("--x", text)), [
    0,
    1,
    0.25,
    0.25,
    1,
    0,
  ]);
  for (const text of ["1.01", "101%", "2", "%", "5%%", "5 %"]) refused(() => share("--x", text));
});

Deno.test("share() gives the same for a percentage as for its hundredth", () => {
  fc.assert(fc.property(fc.nat(100), (percent) => {
    assertAlmostEquals(share("--x", `${percent}%`), share("--x", (percent / 100).toFixed(2)));
  }));
});
