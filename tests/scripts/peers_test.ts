import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { eventually } from "../conformance/gates.ts";
import fc from "../properties.ts";
import {
  contestsOf,
  squaresIn,
  sumOfNumbers,
  sumOfSquares,
} from "../../scripts/peers/harness/contests.ts";
import { checkReading, createAttempts } from "../../scripts/peers/harness/race.ts";
import { FAMILIES } from "../../scripts/peers/harness/contest.ts";
import type { Contender } from "../../scripts/peers/harness/contest.ts";
import {
  type Ended,
  failureLine,
  findPythons,
  runToEnd,
  startPageSite,
} from "../../scripts/peers/harness/programs.ts";

const mayRun = Deno.permissions.querySync({ name: "run" }).state === "granted";
const mayRead = Deno.permissions.querySync({ name: "read" }).state === "granted";
const machine = {
  python: undefined,
  pythons: [],
  page: { site: "http://127.0.0.1:1", bytes: 7 },
};

function contender(name: string, more: Partial<Contender> = {}): Contender {
  return { name, launch: { program: name, args: [] }, items: 10, sum: 55n, ...more };
}

Deno.test("checkReading() takes a reading with the right count and sum alone", () => {
  const who = contender("one");
  const reading = { items: 10, sum: "55", ms: 2.5, p99Ms: 1 };
  assertEquals(checkReading(who, `note\n${JSON.stringify(reading)}\n`), { reading } as unknown);
  const problemOf = (stdout: string) => {
    const checked = checkReading(who, stdout);
    return "reading" in checked ? "none" : checked.trouble.reason;
  };
  assertEquals(problemOf(""), "printed no reading");
  assertEquals(problemOf("3"), "printed no reading");
  assertEquals(problemOf('{"items":10,"sum":"5'), "printed no reading");
  assertEquals(problemOf('{"items":9,"sum":"55","ms":1}'), "gave 9 results, not 10");
  assertEquals(problemOf('{"items":10,"sum":"54","ms":1}'), "its results add up to 54, not 55");
  assertEquals(problemOf('{"items":10,"sum":"NaN","ms":1}'), "its results add up to NaN, not 55");
  assertEquals(problemOf('{"items":10,"sum":"55","ms":0}'), "took 0 ms, which is no time");
  assertEquals(problemOf('{"items":10,"sum":"55"}'), "took undefined ms, which is no time");
});

Deno.test("createAttempts() looks once for what a contender needs, and before it is timed", async () => {
  const need = { probe: { program: "probe", args: [] }, get: "install it" };
  const ran: string[] = [];
  const attempt = createAttempts({
    run: ({ program }) => {
      ran.push(program);
      return Promise.resolve({ ok: true, stdout: '{"items":10,"sum":"55","ms":1}' });
    },
  });
  await attempt(contender("first", { need }));
  await attempt(contender("second", { need }));
  assertEquals(ran, ["probe", "first", "second"]);
});

Deno.test("createAttempts() says of what isn't there why, and how to get it", async () => {
  const need = { probe: { program: "probe", args: [] }, get: "install it" };
  const attempt = createAttempts({
    run: ({ program }) => {
      assertEquals(program, "probe");
      return Promise.resolve({ ok: false, reason: "error: no such module" });
    },
  });
  assertEquals(await attempt(contender("first", { need })), {
    trouble: { kind: "not installed", reason: "error: no such module; install it" },
  });
});

Deno.test("every contest has an own contender, sums to check, and programs that are there", async () => {
  const contests = contestsOf(FAMILIES, machine);
  assertEquals(new Set(contests.map(({ family }) => family)), new Set(FAMILIES));
  const titles = contests.map(({ family, title }) => `${family} ${title}`);
  assertEquals(new Set(titles).size, titles.length);
  for (const { ours, peers } of contests) {
    assert(peers.length > 0);
    for (const { name, items, sum, launch } of [ours, ...peers]) {
      // Only the contender that measures the server's maximum has no fixed number of items.
      assert(items === undefined ? /wrk/.test(name) : items > 0 && sum! > 0n, name);
      const file = launch.args.find((arg) => /\.(ts|js|py)$/.test(arg));
      assert(file !== undefined, name);
      if (mayRead) assert((await Deno.stat(file)).isFile, file);
    }
  }
});

Deno.test("checkReading() takes as many results as there are of who does what it can", () => {
  const { launch, name } = contender("wrk");
  const reading = { items: 7, sum: "14", ms: 1 };
  const checked = checkReading({ name, launch }, JSON.stringify(reading));
  assertEquals(checked, { reading } as unknown);
});

Deno.test("contestsOf() gives the families asked for and no others", () => {
  assertEquals(new Set(contestsOf(["io"], machine).map(({ family }) => family)), new Set(["io"]));
});

Deno.test("the sums to check against are those of the loops that they stand for", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 9 }), (n, count) => {
      let [numbers, squares, terms] = [0n, 0n, 0];
      for (let i = 1; i <= n; i++) numbers += BigInt(i);
      for (let more = 0; more < count; more++) {
        for (let i = 0; i < n + more; i++, terms++) squares += BigInt(i) ** 2n;
      }
      assertEquals(sumOfNumbers(n), numbers);
      assertEquals(sumOfSquares(n, count), squares);
      assertEquals(squaresIn(n, count), terms);
    }),
  );
});

Deno.test("failureLine() finds the error among warnings and stack, safe to print", () => {
  assertEquals(failureLine("warn\n\x1b[31merror\x1b[0m: gone\n    at x"), "error: gone");
  const python = "Traceback:\n  File x\nModuleNotFoundError: No module named 'aiohttp'\n";
  assertEquals(failureLine(python), "ModuleNotFoundError: No module named 'aiohttp'");
  assertEquals(failureLine(""), "said nothing on stderr");
  assert(failureLine("x".repeat(5000)).length <= 100);
});

/** The Pythons that `findPythons` finds: the output of each, and whether it has the modules. */
function pythonsThat(here: Readonly<Record<string, readonly [says: string, modules: boolean]>>) {
  return findPythons(undefined, ({ program, args }): Promise<Ended> => {
    const one = here[program];
    const ok = one !== undefined && (one[1] || !args[1]!.includes("aiohttp"));
    return Promise.resolve(ok ? { ok, stdout: `${one[0]}\n` } : { ok: false, reason: "no" });
  });
}

Deno.test("findPythons() takes the Python with aiohttp and requests, and names each kind once", async () => {
  const found = await pythonsThat({
    python3: ["3.14.0 True", false],
    "/usr/bin/python3": ["3.13.5 True", true],
    "python3.14t": ["3.14.0 False", false],
    "python3.14": ["3.14.0 True", false],
  });
  assertEquals(found.python?.program, "/usr/bin/python3");
  assertEquals(found.pythons.map(({ program, gil }) => [program, gil]), [
    ["/usr/bin/python3", true],
    ["python3", true],
    ["python3.14t", false],
  ]);
  assertEquals(
    found.note,
    "Pythons: /usr/bin/python3 is 3.13.5 with its GIL; python3 is 3.14.0 with its GIL; " +
      "python3.14t is 3.14.0 without a GIL; not found: python3.13t.",
  );
  const same = await pythonsThat({
    python3: ["3.14.0 True", true],
    "python3.14": ["3.14.0 True", true],
  });
  assertEquals(same.pythons.map(({ program }) => program), ["python3"]);
});

Deno.test("findPythons() says that there is none", async () => {
  const { python, pythons, note } = await pythonsThat({});
  assertEquals([python, pythons], [undefined, []]);
  assertStringIncludes(note, "not found: python3, python3.14t");
});

Deno.test("there is a contest for each Python, in which its pools meet its plain loop", () => {
  const pythons = [
    { program: "python3", version: "3.11.2", gil: true },
    { program: "python3.14t", version: "3.14.0", gil: false },
  ];
  const contests = contestsOf(["python"], { ...machine, python: pythons[0], pythons });
  assertEquals(contests.map(({ title }) => title.replace(/.* in /, "")), [
    "Python 3.11.2 with its GIL",
    "Python 3.14.0 without a GIL",
  ]);
  for (const [at, { peers, loop }] of contests.entries()) {
    assertEquals(peers[0], loop);
    assert(peers.every(({ launch }) => launch.program === pythons[at]!.program));
  }
});

const { python } = mayRun ? await findPythons() : { python: undefined };

Deno.test({
  name: "Python's pools give readings that hold, or say what they need",
  ignore: !mayRun || !mayRead || python === undefined,
  async fn(t) {
    const [contest] = contestsOf(["python"], { ...machine, python, pythons: [python!] });
    const few = { items: 4, sum: sumOfSquares(100, 4) };
    const attempt = createAttempts();
    for (const peer of contest!.peers) {
      await t.step(peer.name, async () => {
        const args = [...peer.launch.args.slice(0, -2), "100", "4"];
        const result = await attempt({ ...peer, ...few, launch: { ...peer.launch, args } });
        if ("reading" in result) return;
        assertEquals(result.trouble.kind, "not installed");
        assert(/interpreters|joblib/.test(args.join()), result.trouble.reason);
      });
    }
  },
});

Deno.test({
  name: "a native program gives readings that hold, or says what it needs",
  ignore: !mayRun || !mayRead,
  async fn() {
    const [contest] = contestsOf(["cpu"], machine);
    const native = contest!.peers.find(({ name }) => name.startsWith("C, "))!;
    const args = [...native.launch.args.slice(0, -2), "300", "4"];
    const few = { items: 4, sum: sumOfSquares(300, 4), launch: { ...native.launch, args } };
    const result = await createAttempts()({ ...native, ...few });
    if ("trouble" in result) assertEquals(result.trouble.kind, "not installed");
  },
});

Deno.test({
  name: "runToEnd() ends a program that takes too long, and one that was interrupted",
  ignore: !mayRun,
  async fn() {
    const launch = { program: Deno.execPath(), args: ["eval", "setInterval(() => {}, 1000)"] };
    assertEquals(await runToEnd(launch, { timeoutMs: 1 }), {
      ok: false,
      reason: "took longer than 0.001 s",
    });
    const signal = AbortSignal.abort();
    assertEquals(await runToEnd(launch, { timeoutMs: 60_000, signal }), {
      ok: false,
      reason: "interrupted",
    });
  },
});

Deno.test({
  name: "runToEnd() ends a program that would not end on a SIGTERM",
  ignore: !mayRun || Deno.permissions.querySync({ name: "write" }).state !== "granted",
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const [ready, asked] = [`${folder}/ready`, `${folder}/asked`];
      const code = `Deno.addSignalListener("SIGTERM", () => Deno.writeTextFileSync("${asked}", ""));
        Deno.writeTextFileSync("${ready}", "");
        setTimeout(() => {}, 60_000);`;
      const stop = new AbortController();
      const ended = runToEnd({ program: Deno.execPath(), args: ["eval", code] }, {
        timeoutMs: 60_000,
        signal: stop.signal,
      });
      await eventually(() => existsSync(ready), "the program is ready");
      stop.abort();
      assertEquals(await ended, { ok: false, reason: "interrupted" });
      assert(!existsSync(asked));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "runToEnd() takes a program that isn't there for a failure",
  ignore: !mayRun,
  async fn() {
    const ended = await runToEnd({ program: "no-such-program", args: [] }, { timeoutMs: 9_000 });
    assertEquals(ended, { ok: false, reason: "no-such-program can't be started" });
  },
});

/** The same contender with few items. */
function withFew(contender: Contender, few: number, bytes: number): Contender {
  const { items = NaN, sum, launch } = contender;
  const sums = [BigInt, sumOfNumbers, (items: number) => BigInt(items * bytes)];
  const sumOf = sums.find((sumOf) => items > 0 && sumOf(items) === sum);
  if (sumOf === undefined) return contender;
  const args = launch.args.map((arg) => arg === String(items) ? String(few) : arg);
  return { ...contender, items: few, sum: sumOf(few), launch: { ...launch, args } };
}

Deno.test({
  name: "programs here give readings that hold, or say what they need",
  ignore: !mayRun || !mayRead,
  async fn(t) {
    await using site = await startPageSite();
    const contests = contestsOf(["pools", "lanes", "run", "load"], {
      ...machine,
      python,
      page: site.page,
    });
    const attempt = createAttempts();
    const tried = new Set<string>();
    for (const contender of contests.flatMap(({ ours, peers }) => [ours, ...peers])) {
      const { launch, need } = contender;
      const words = launch.args.filter((arg) => /^([a-z-]+|.*\.(ts|js|py))$/.test(arg));
      const name = words.map((word) => word.split("/").at(-1)).join(" ");
      const computes = /squares|independent|python_pool|calls|noop/.test(name);
      // Contenders that need an npm package are skipped, because it would be downloaded.
      if (tried.has(name) || computes || need?.get.startsWith("deno cache")) continue;
      tried.add(name);
      await t.step(name, async () => {
        const result = await attempt(withFew(contender, 4, site.page.bytes));
        if ("reading" in result) return;
        assertEquals(result.trouble.kind, "not installed", result.trouble.reason);
        assert(need !== undefined);
      });
    }
  },
});

Deno.test({
  name: "deno task peers refuses what it doesn't take, before anything runs",
  ignore: !mayRun || !mayRead,
  async fn() {
    const refused: [string[], string][] = [
      [["--only", "pool"], 'peers: --only "pool": unknown; did you mean pools?'],
      [["--rounds", "0"], 'peers: --rounds "0": too small'],
      [["--seed", "-1"], 'peers: --seed "-1": not a whole number of zero or more'],
      [["--json", "no/such/folder/peers.json"], "its folder doesn't exist"],
      [["--short", "--aims"], "peers: --aims: a line of --short has no room for aims"],
      [["--fast"], "peers: unknown option '--fast'"],
    ];
    const script = fileURLToPath(new URL("../../scripts/peers.ts", import.meta.url));
    const flags = ["run", "--no-check", "--no-prompt", "--allow-read", "--allow-write"];
    for (const [args, line] of refused) {
      const { code, stderr, stdout } = await new Deno.Command(Deno.execPath(), {
        args: [...flags, script, ...args],
        stdin: "null",
      }).output();
      const text = new TextDecoder().decode(stderr);
      assertEquals(code, 2, text);
      assertStringIncludes(text, line);
      assertEquals(text.trimEnd().split("\n").length, 1);
      assertEquals(stdout.length, 0);
    }
  },
});
