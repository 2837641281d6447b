import fc from "../properties.ts";
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
  inputFile,
  listOf,
  LONGEST_WAIT_MS,
  nonNegativeInteger,
  nonNegativeNumber,
  oneOf,
  outputFile,
  positiveInteger,
  quoted,
  requireDistinct,
  requireNet,
  seedOption,
  share,
  size,
  urlsIn,
  UsageError,
} from "../../lib/text/option_values.ts";
import { granted } from "../granted.ts";

Deno.test("UsageError says option, value, problem and remedy in one line", () => {
  const error = new UsageError("--slots", "a\nb", "not a number", "give one such as 5");
  assertEquals(error.message, '--slots "a\\nb": not a number; give one such as 5');
  assertEquals([error.name, error.value], ["UsageError", "a\nb"]);
  const flag = new UsageError("--resume", true, "has no meaning without --out", "leave it out");
  assertEquals(flag.message, "--resume: has no meaning without --out; leave it out");
});

Deno.test("quoted() stays on one line and steers no terminal, whatever it holds", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
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
  assertEquals(/[\n\r\u2028]/.test(error.message), false, "more than one line");
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
  assertEquals(duration("--x", `${LONGEST_WAIT_MS}ms`), LONGEST_WAIT_MS);
  assertMatch(refused(() => duration("--x", "36000m")).message, /too long/);
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
  assertEquals(share("--x", "250%", Infinity), 2.5);
  for (const text of ["2.5", "x%"]) refused(() => share("--x", text, Infinity));
});

Deno.test("share() gives the same for a percentage as for its hundredth", () => {
  fc.assert(fc.property(fc.nat(100), (percent) => {
    assertAlmostEquals(share("--x", `${percent}%`), share("--x", (percent / 100).toFixed(2)));
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
  // Nothing on this machine has a certificate.
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

const allowed = granted("read", "write");

async function withFile(text: string, use: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test({
  name: "a list of addresses may have comments, blank lines and any line ends",
  ignore: !allowed,
  fn: () =>
    withFile("\ufeff# mine\r\nhttp://a.test/1\r\n\n  http://a.test/2  \n", async (path) => {
      const urls = await urlsIn("--urls", path);
      assertEquals(urls.map(({ href }) => href), ["http://a.test/1", "http://a.test/2"]);
    }),
});

Deno.test({
  name: "an empty list, one of comments, and a line that is no address are refused",
  ignore: !allowed,
  async fn() {
    for (const text of ["", "\n\n", "# none\n"]) {
      await withFile(text, async (path) => {
        const error = await assertRejects(() => urlsIn("--urls", path), UsageError);
        assertStringIncludes(error.message, "no address in it");
      });
    }
    await withFile("http://a.test/\nfile:///etc/passwd\n", async (path) => {
      const error = await assertRejects(() => urlsIn("--urls", path), UsageError);
      assertStringIncludes(error.message, "--urls, line 2");
    });
  },
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

const ignore = !granted("read", "write");

function fileTest(name: string, run: (folder: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    fn: async () => {
      const folder = await Deno.makeTempDir();
      try {
        await run(folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

async function rejected(run: () => Promise<unknown>): Promise<string> {
  const error = await assertRejects(run, UsageError);
  assertEquals(error.message.includes("\n"), false);
  return error.message;
}

async function names(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir(folder)) found.push(name);
  return found;
}

fileTest(
  "outputFile() takes a file that isn't there yet, and leaves none behind",
  async (folder) => {
    assertEquals(await outputFile("--json", `${folder}/a.json`), `${folder}/a.json`);
    assertEquals(await names(folder), []);
  },
);

fileTest("outputFile() leaves what is there as it is", async (folder) => {
  await Deno.writeTextFile(`${folder}/a.json`, "old");
  await outputFile("--json", `${folder}/a.json`);
  assertEquals(await Deno.readTextFile(`${folder}/a.json`), "old");
});

fileTest(
  "outputFile() tells of a folder that isn't there before anything is measured",
  async (folder) => {
    assertMatch(
      await rejected(() => outputFile("--json", `${folder}/no/a.json`)),
      /^--json ".*": its folder doesn't exist; make the folder first/,
    );
  },
);

fileTest("outputFile() refuses folders, files as folders, and no name", async (folder) => {
  await Deno.writeTextFile(`${folder}/file`, "");
  assertMatch(await rejected(() => outputFile("--json", folder)), /a folder, not a file/);
  assertMatch(await rejected(() => outputFile("--json", `${folder}/new/`)), /folder/);
  assertMatch(await rejected(() => outputFile("--json", `${folder}/file/a`)), /folder is a file/);
  assertMatch(await rejected(() => outputFile("--json", "")), /no file is named/);
  await rejected(() => outputFile("--json", `${folder}/a\0b`));
  await rejected(() => outputFile("--json", `${folder}/${"x".repeat(300)}`));
});

Deno.test({
  name: "outputFile() offers no flag where the task fixes them",
  permissions: { read: "inherit", write: false },
  ignore: Deno.permissions.querySync({ name: "read" }).state !== "granted",
  fn: async () => {
    assertMatch(
      await rejected(() => outputFile("--json", "a.json")),
      /no right to it; choose another path$/,
    );
  },
});

Deno.test({
  name: "inputFile() offers no flag where the task fixes them",
  permissions: { read: false },
  fn: async () => {
    assertMatch(
      await rejected(() => inputFile("--urls", "a.txt")),
      /no right to it; choose another path$/,
    );
  },
});

fileTest("inputFile() takes a file that can be read", async (folder) => {
  await Deno.writeTextFile(`${folder}/a`, "12345");
  assertEquals(await inputFile("--urls", `${folder}/a`, { maxBytes: 5 }), `${folder}/a`);
});

fileTest("inputFile() refuses what isn't there, folders, and what is too large", async (folder) => {
  await Deno.writeTextFile(`${folder}/a`, "12345");
  assertMatch(await rejected(() => inputFile("--urls", `${folder}/b`)), /no such file/);
  assertMatch(await rejected(() => inputFile("--urls", folder)), /a folder, not a file/);
  assertMatch(
    await rejected(() => inputFile("--urls", `${folder}/a`, { maxBytes: 4 })),
    /too large with 5 bytes; give a file of at most 4 bytes/,
  );
  assertMatch(await rejected(() => inputFile("--urls", " ")), /no file is named/);
});

fileTest("requireDistinct() knows a file again by every path and link to it", async (folder) => {
  await Deno.writeTextFile(`${folder}/old.json`, "old");
  await Deno.mkdir(`${folder}/sub`);
  await Deno.symlink(`${folder}/old.json`, `${folder}/soft.json`);
  await Deno.symlink(folder, `${folder}/sub/around`);
  await Deno.link(`${folder}/old.json`, `${folder}/hard.json`);
  const read = [{ option: "--baseline", path: `${folder}/old.json` }];
  const paths = ["old.json", "sub/../old.json", "soft.json", "hard.json", "sub/around/old.json"];
  for (const path of paths) {
    const output = { option: "--json", path: `${folder}/${path}` };
    assertMatch(
      await rejected(() => requireDistinct([output], read)),
      /^--json ".*": the same file as --baseline, which is read; give it a name of its own$/,
    );
  }
  await requireDistinct([{ option: "--json", path: `${folder}/new.json` }], read);
  assertEquals(await Deno.readTextFile(`${folder}/old.json`), "old");
});

Deno.test("requireDistinct() lets standard input be read for one thing", async () => {
  const inputs = ["--advice", "--from"].map((option) => ({ option, path: "-" }));
  await requireDistinct([], inputs.slice(1));
  assertEquals(
    await rejected(() => requireDistinct([], inputs)),
    '--from "-": the same file as --advice, which is read; give it a name of its own',
  );
});

fileTest("requireDistinct() refuses two outputs that will be one file", async (folder) => {
  await Deno.symlink(`${folder}/later.csv`, `${folder}/link.csv`);
  for (const other of ["later.csv", "link.csv"]) {
    const outputs = [
      { option: "--json", path: `${folder}/${other}` },
      { option: "--csv", path: `${folder}/./link.csv` },
    ];
    assertMatch(
      await rejected(() => requireDistinct(outputs, [])),
      /^--csv ".*": the same file as --json; /,
    );
  }
  assertEquals(await names(folder), ["link.csv"]);
});

fileTest("several programs may check the same files at once, and leave none", async (folder) => {
  const check = async () => {
    const path = await outputFile("--json", `${folder}/same.json`);
    await requireDistinct([
      { option: "--json", path },
      { option: "--html", path: `${folder}/same.html` },
    ], []);
  };
  await Promise.all(Array.from({ length: 50 }, check));
  assertEquals(await names(folder), []);
});

fileTest("outputFile() takes a link that leads nowhere yet", async (folder) => {
  await Deno.symlink(`${folder}/later.json`, `${folder}/link.json`);
  await Deno.symlink("link.json", `${folder}/relative.json`);
  await outputFile("--json", `${folder}/link.json`);
  await outputFile("--json", `${folder}/relative.json`);
  assertEquals((await names(folder)).toSorted(), ["link.json", "relative.json"]);
  await Deno.symlink(`${folder}/gone/later.json`, `${folder}/lost.json`);
  assertMatch(
    await rejected(() => outputFile("--json", `${folder}/lost.json`)),
    /its folder doesn't exist; make the folder first, or choose another$/,
  );
});
