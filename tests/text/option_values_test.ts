import fc, { anyText } from "../properties.ts";
import {
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  duration,
  hostsOf,
  httpUrl,
  listOf,
  LONGEST_TIMER_MS,
  nonNegativeInteger,
  nonNegativeNumber,
  oneOf,
  positiveInteger,
  quoted,
  requireNet,
  seedOption,
  shareOption,
  size,
  UsageError,
} from "../../lib/text/option_values.ts";

Deno.test("UsageError says option, value, problem and remedy in one line", () => {
  const error = new UsageError("--slots", "a\nb", "not a number", "give one such as 5");
  assertEquals(error.message, '--slots "a\\nb": not a number; give one such as 5');
  assertEquals([error.name, error.value], ["UsageError", "a\nb"]);
  const without = new UsageError("--fsync", true, "takes no value", "leave it out");
  assertEquals(without.message, "--fsync: takes no value; leave it out");
  const flag = new UsageError("--resume", true, "has no meaning without --out", "leave it out");
  assertEquals(flag.message, "--resume: has no meaning without --out; leave it out");
});

Deno.test("quoted() stays on one line and steers no terminal, whatever it holds", () => {
  fc.assert(fc.property(anyText(30), (text) => {
    // deno-lint-ignore no-control-regex
    assertEquals(/[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/.test(quoted(text)), false);
  }));
  assertEquals(quoted("\x1b[31m\x9b"), '"\\u001b[31m\\u009b"');
});

Deno.test("quoted() tells no password of an address", () => {
  const text = "https://me:secret@a.example/x@y,http://b:c@d.example";
  assertEquals(quoted(text), '"https://…@a.example/x@y,http://…@d.example"');
});

Deno.test("quoted() cuts what is long, but never through a character", () => {
  assertEquals(quoted("x".repeat(80)).includes("…"), false);
  assertMatch(quoted("x".repeat(81)), /^"x{80}…"$/);
  assertMatch(quoted("😀".repeat(100)), /^"(😀){80}…"$/u);
});

/** Texts that JavaScript turns, or almost turns, into a number, but that nobody means as one. */
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
  assertEquals(/[\n\r\u2028]/.test(error.message), false, "more than one line");
  return error;
}

for (
  const [name, read] of [
    ["positiveInteger()", positiveInteger],
    ["nonNegativeInteger()", nonNegativeInteger],
    ["nonNegativeNumber()", nonNegativeNumber],
    ["duration()", duration],
    ["shareOption()", shareOption],
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
  assertEquals(duration("--x", `${LONGEST_TIMER_MS}ms`), LONGEST_TIMER_MS);
  assertMatch(refused(() => duration("--x", "36000m")).message, /too long; give 2147483s/);
  assertMatch(refused(() => duration("--x", "0s", { min: 1000 })).message, /too short; give 1s or/);
  assertMatch(refused(() => duration("--x", "0s", { min: 50 })).message, /too short; give 50ms or/);
  refused(() => duration("--x", "9".repeat(400) + "h"));
});

Deno.test("duration() and size() take no number without its unit, unless it can mean but one", () => {
  for (const text of ["5", "1_000", "2.5"]) {
    assertMatch(refused(() => duration("--timeout", text)).message, /no unit; give .* 10s or 2m/);
    assertMatch(refused(() => size("--memory", text)).message, /no unit; give .* 500MB or 2GB/);
  }
  assertEquals(duration("--latency", "20", { plain: true }), 20);
  assertEquals(size("--size", "500", { plain: true }), 500);
  assertMatch(refused(() => size("--size", "65kB", { max: 64_000 })).message, /64000 or less/);
});

Deno.test("duration() refuses zero where a time is needed", () => {
  assertMatch(refused(() => duration("--timeout", "0s", { min: 1 })).remedy, /1ms or more/);
});

Deno.test("shareOption() takes a number from 0 to 1, or a percentage", () => {
  assertEquals(["0", "1", "0.25", "25%", "100%", "0%"].map((text) => shareOption("--x", text)), [
    0,
    1,
    0.25,
    0.25,
    1,
    0,
  ]);
  for (const text of ["1.01", "101%", "2", "%", "5%%", "5 %"]) {
    refused(() => shareOption("--x", text));
  }
  assertEquals(shareOption("--x", "250%", Infinity), 2.5);
  for (const text of ["2.5", "x%"]) refused(() => shareOption("--x", text, Infinity));
});

Deno.test("shareOption() gives the same for a percentage as for its hundredth", () => {
  fc.assert(fc.property(fc.nat(100), (percent) => {
    assertAlmostEquals(
      shareOption("--x", `${percent}%`),
      shareOption("--x", (percent / 100).toFixed(2)),
    );
  }));
});

const MODELS = ["sequential", "concurrent", "limited", "workers", "processes"] as const;

Deno.test("seedOption() takes a seed of 32 bits, and draws one of six digits at most", () => {
  assertEquals([seedOption("0"), seedOption("4294967295")], [0, 4294967295]);
  for (const text of ["4294967296", "-1", "1.5", ""]) {
    assertThrows(() => seedOption(text), UsageError, "--seed");
  }
  const drawn = seedOption(undefined);
  assertEquals(Number.isInteger(drawn) && drawn >= 0 && drawn < 1_000_000, true);
});

Deno.test("oneOf() takes each choice as it is written", () => {
  for (const model of MODELS) assertEquals(oneOf("--model", model, MODELS), model);
});

Deno.test("oneOf() guesses what was meant, and lists the choices", () => {
  for (
    const [slip, meant] of [["worker", "workers"], ["Limited", "limited"], [
      "seqential",
      "sequential",
    ]]
  ) {
    assertMatch(
      refused(() => oneOf("--model", slip!, MODELS)).remedy,
      new RegExp(`mean ${meant}\\?`),
    );
  }
  assertMatch(refused(() => oneOf("--model", "x", MODELS)).remedy, /sequential, concurrent/);
});

Deno.test("oneOf() doesn't guess at words that are nothing like a choice", () => {
  for (const text of ["banana", "", "q", "x".repeat(500)]) {
    assertEquals(
      refused(() => oneOf("--model", text, MODELS)).remedy.includes("mean"),
      false,
      text,
    );
  }
});

Deno.test("oneOf() takes nothing but the choices", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    if (!(MODELS as readonly string[]).includes(text)) {
      refused(() => oneOf("--model", text, MODELS));
    }
  }));
});

Deno.test("oneOf() is not led astray by names that every object has", () => {
  for (const text of ["constructor", "__proto__", "toString"]) {
    refused(() => oneOf("--x", text, MODELS));
  }
});

Deno.test("listOf() keeps the order, and lets blanks stand around commas", () => {
  assertEquals(listOf("--models", "workers, limited", MODELS), ["workers", "limited"]);
  assertEquals(listOf("--models", "limited", MODELS), ["limited"]);
});

Deno.test("listOf() reads back every list of choices written out", () => {
  fc.assert(fc.property(fc.shuffledSubarray([...MODELS], { minLength: 1 }), (models) => {
    assertEquals(listOf("--models", models.join(","), MODELS), models);
  }));
});

Deno.test("listOf() refuses empty words, unknown ones and repetitions", () => {
  for (const text of ["", ",", "workers,", ",workers", "workers,,limited"]) {
    assertMatch(refused(() => listOf("--models", text, MODELS)).message, /missing/);
  }
  assertEquals(refused(() => listOf("--models", "workers,nope", MODELS)).value, "nope");
  assertMatch(refused(() => listOf("--models", "workers,workers", MODELS)).message, /twice/);
});

Deno.test("httpUrl() takes addresses of the web", () => {
  for (
    const text of [
      "http://127.0.0.1:1/",
      "https://example.com/a?b=c#d",
      "HTTP://X",
      "http://[::1]/",
    ]
  ) {
    assertMatch(httpUrl("--url", text).protocol, /^https?:$/);
  }
});

Deno.test("httpUrl() says how to write an address whose scheme is missing", () => {
  assertMatch(refused(() => httpUrl("--url", "example.com")).remedy, /https:\/\/example\.com/);
  const long = `example.com/${"a".repeat(60)}`;
  assertEquals(refused(() => httpUrl("--url", long)).remedy, "write https:// before it");
  // Addresses on this machine have no certificate.
  for (const text of ["localhost:8000/a", "127.0.0.1:80"]) {
    assertMatch(refused(() => httpUrl("--url", text)).remedy, /^write http:\/\/(localhost|127)/);
  }
});

Deno.test("httpUrl() refuses other schemes and what is no address", () => {
  for (
    const text of [
      "",
      "/etc/passwd",
      "file:///etc/passwd",
      "ftp://a/",
      "data:,x",
      "javascript:alert(1)",
      "http://",
      "http://a:99999/",
      "http://a b/",
      " http://a/",
      "http://a/\n",
      "http:///?",
      "blob:http://a/",
      "c:\\a",
    ]
  ) refused(() => httpUrl("--url", text));
});

Deno.test("httpUrl() gives an address of the web or refuses, whatever is typed", () => {
  fc.assert(fc.property(fc.oneof(fc.webUrl(), fc.string()), (text) => {
    try {
      assertMatch(httpUrl("--url", text).protocol, /^https?:$/);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
    }
  }));
});

Deno.test("hosts carry the port that their scheme implies, each once", () => {
  const urls = ["http://a.test/1", "http://a.test/2", "https://a.test/", "http://[::1]:8000/"];
  assertEquals(hostsOf(urls.map((url) => new URL(url))), [
    "a.test:80",
    "a.test:443",
    "[::1]:8000",
  ]);
});

Deno.test({
  name: "a host that may not be reached is refused with the command that works",
  permissions: { net: ["127.0.0.1"] },
  ignore: Deno.stdin.isTerminal() ||
    Deno.permissions.querySync({ name: "net", host: "127.0.0.1" }).state !== "granted",
  async fn() {
    await requireNet("--url", [new URL("http://127.0.0.1:1/")], "run deno task io:web");
    const error = await assertRejects(
      () => requireNet("--url", [new URL("https://example.org/a")], "run deno task io:web"),
      UsageError,
    );
    assertStringIncludes(error.message, "example.org:443");
    assertStringIncludes(error.message, "run deno task io:web");
  },
});

Deno.test({
  name: "a host that can be none is refused in a line that names its option",
  permissions: { net: ["127.0.0.1"] },
  ignore: Deno.permissions.querySync({ name: "net", host: "127.0.0.1" }).state !== "granted",
  async fn() {
    const url = new URL(`http://${"a".repeat(5000)}/`);
    const error = await assertRejects(() => requireNet("--url", [url], "no"), UsageError);
    assertMatch(error.message, /^--url "http:.{70,85}: its host can be none; check it$/);
  },
});
