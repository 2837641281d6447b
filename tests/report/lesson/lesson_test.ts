import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import stringWidth from "fast-string-width";
import config from "../../../deno.json" with { type: "json" };
import { ideasOf } from "../../../lib/report/lesson/ideas.ts";
import { lessonPage, lessonReport } from "../../../lib/report/lesson/lesson.ts";
import { LANGUAGES, Speaker, TEXTS } from "../../../lib/report/speaker.ts";
import { parseReportFile } from "../../json_schemas.ts";
import { isRemote, MODEL_TABLE, MODELS } from "../../../lib/models.ts";
import { HOSTILE } from "../fixture.ts";
import { assertInert } from "../html/assert_inert.ts";
import { all, parsed } from "../html/parsed.ts";
import { lessonFile } from "./fixture.ts";

const valuesIn = (text: string) => [...new Set(text.match(/\{[\w.]+\}/g))].sort();

Deno.test("every language has the same texts, with the same values in them", () => {
  for (const language of LANGUAGES) {
    assertEquals(Object.keys(TEXTS[language]), Object.keys(TEXTS.en));
    for (const [key, text] of Object.entries(TEXTS[language])) {
      assert(text.trim() !== "", key);
      assertEquals(valuesIn(text), valuesIn(TEXTS.en[key as keyof typeof TEXTS.en]), key);
    }
  }
});

for (const language of LANGUAGES) {
  Deno.test(`every idea says in ${language} what was seen and what shows more`, () => {
    const ideas = ideasOf(lessonFile(language));
    assertEquals(new Set(ideas.map(({ id }) => id)).size, ideas.length);
    for (const { id, title, about, seen, commands } of ideas) {
      assert(seen.length > 0 && commands.length > 0, id);
      for (const command of commands) {
        const task = /^deno task (\S+)/.exec(command)?.[1] ?? "";
        assert(task in config.tasks, command);
      }
      for (const text of [title, about, ...seen]) {
        assert(!/[{}]|undefined|NaN/.test(text), text);
        assertEquals(/[가-힣]/.test(text), language === "ko", text);
      }
    }
  });

  Deno.test(`what wasn't measured is said in ${language}, and draws nothing`, () => {
    const { schemaVersion, kind, environment } = lessonFile(language);
    const bare = { schemaVersion, kind, environment, language, partial: true };
    for (const { seen, picture } of ideasOf(bare)) assertEquals([seen, picture], [[], undefined]);
    const text = lessonReport(bare).text({ columns: 100, colour: false });
    assertStringIncludes(text, TEXTS[language]["page.unmeasured"]);
    assertStringIncludes(text, TEXTS[language]["page.partial"]);
    assertStringIncludes(lessonPage(bare), TEXTS[language]["page.unmeasured"]);
  });

  Deno.test(`a lesson in ${language} fits any width`, () => {
    for (const columns of [40, 60, 80, 120]) {
      const text = lessonReport(lessonFile(language)).text({ columns, colour: false });
      // A command isn't broken into lines, so that it can be copied.
      const lines = text.split("\n");
      const commands = ideasOf(lessonFile(language)).flatMap((idea) => idea.commands);
      for (const command of commands) assert(lines.includes(`   ${command}`), command);
      const others = lines.filter((line) => !commands.includes(line.trim()));
      for (const line of others) assert(stringWidth(line) <= columns, line);
    }
  });
}

Deno.test("what is too small for lanes is told as that, and what can't be told by its cause", () => {
  const { small, ...file } = lessonFile("en");
  const last = (of: Partial<typeof small>) =>
    ideasOf({ ...file, small: { ...small!, ...of } }).find(({ id }) => id === "when")!.seen.at(-1)!;
  const slower = { median: 0.3, low: 0.2, high: 0.5 };
  const models = small!.models.map((of) => isRemote(of.model) ? { ...of, speedup: slower } : of);
  const verdict = { ...small!.verdict!, confidence: 0.8 };
  const others = { used: 2, cores: 2 };
  assertMatch(last({ models, verdict, others }), /: too small for lanes, whose start eats/);
  assertMatch(last({ verdict, others }), /can’t be told on so busy a machine; leave/);
  const unsure = { ...verdict, bound: "cpu" as const, confidence: 0.4 };
  assertMatch(last({ models, verdict: unsure }), /can’t be told from these rounds; leave/);
});

Deno.test("a lesson of one round says that this tells nothing about noise", () => {
  for (const language of LANGUAGES) {
    const { io, ...file } = lessonFile(language);
    const models = io!.models.map((of) => ({ ...of, rounds: of.rounds.slice(0, 1) }));
    const once = { ...file, io: { ...io!, models } };
    for (const text of [lessonReport(once).markdown(), lessonPage(once)]) {
      assertStringIncludes(text, "--rounds 3");
      assert(!text.includes(TEXTS[language]["page.paired"]));
    }
  }
});

Deno.test("what a model is in Python is said in the language, as the table of models has it", () => {
  for (const model of MODELS) {
    assertEquals(new Speaker("en").inPython(model), MODEL_TABLE[model].python.io);
    const korean = new Speaker("ko").inPython(model);
    if (`python.${model}` in TEXTS.ko) {
      assertEquals(/[가-힣]|\(\*tasks\)/.test(korean), true, korean);
    }
  }
});

Deno.test("sentences follow from the figures", () => {
  const speaker = new Speaker("en");
  const gain = (median: number, low: number, high: number) =>
    speaker.gain({ speedup: { median, low, high } });
  assertEquals(gain(4, 3.5, 4.5), "4.00 times as fast");
  assertEquals(gain(0.5, 0.4, 0.6), "slower, 2.00 times as long");
  assertEquals(gain(1.1, 0.9, 1.3), "no detectable gain");
  assertEquals(speaker.gain({ speedup: null }), "can’t be compared");
  assertEquals(new Speaker("ko").duration(3651), "3.65초");

  const file = lessonFile("en");
  const seen = (id: string, of = file) =>
    ideasOf(of).find((idea) => idea.id === id)!.seen.join(" ");
  assertMatch(
    seen("cost"),
    /Here no gain over plainly doing one after another could be detected\./,
  );
  assert(!/no gain over/.test(seen("io")));
  assertMatch(seen("when"), /The article’s numbers: leave it sequential\.$/);
  assertMatch(seen("races"), /lost updates in 2 of 3 runs, up to 50% of 1,000,000/);
  const lucky = file.whoseTurn.rows.map((row) => ({ ...row, lost: [0, 0, 0] }));
  const luckily = { ...file, whoseTurn: { ...file.whoseTurn, rows: lucky } };
  assertMatch(seen("races", luckily), /lost nothing in 3 runs, by luck/);
  assert(!/should have ticked on/.test(seen("preemptive")));
  const rows = file.whoLetsGo.rows.map((row) => ({ ...row, came: 1 }));
  assertMatch(
    seen("preemptive", { ...file, whoLetsGo: { ...file.whoLetsGo, rows } }),
    /should have ticked on/,
  );
});

Deno.test("a server's clients are told of, and a disk that is hardly waited for", () => {
  const file = lessonFile("en");
  const seen = (id: string, of: Partial<typeof file>) =>
    ideasOf({ ...file, ...of }).find((idea) => idea.id === id)!.seen.join(" ");
  assertMatch(
    seen("server", {}),
    /had its answer after 420 ms; one event loop for all, after 24 ms/,
  );
  assertMatch(seen("server", {}), /on 2 threads it was 100 ms, 2\.00 times as fast\.$/);
  const threads = (lastMs: number) => {
    const rows = file.whoIsServed.rows.map((row) =>
      row.way === "computes, threads" ? { ...row, lastMs } : row
    );
    return seen("server", { whoIsServed: { ...file.whoIsServed, rows } });
  };
  assertMatch(threads(400), /400 ms, 2\.00 times as long: other programs .*\.$/);
  assertMatch(threads(201), /about as long\.$/);
  assert(!/hardly a wait/.test(seen("files", {})));
  assertMatch(seen("files", { files: file.cpu }), /busy 99% of the time even one after another/);
  const busy = { ...file.cpu, others: { used: 1.5, cores: 2 } };
  assert(!/hardly a wait/.test(seen("files", { files: busy })));
  assertMatch(
    seen("bound", {}),
    /one after another: downloads \d+%, files to save \d+%, sums 99%\.$/,
  );
});

Deno.test("a graphics card is told of as what it is, and so is that there is none", () => {
  const file = lessonFile("en");
  const on = (software: boolean) => {
    const device = { name: "Example GPU", software };
    const card = { ...file.cpu.models.at(-1)!, model: "gpu", device };
    const seen = (id: string) =>
      ideasOf({ ...file, cpu: { ...file.cpu, models: [...file.cpu.models, card] } })
        .find((idea) => idea.id === id)!.seen.join(" ");
    assert(!seen("cpu").includes("gpu"));
    return seen("gpu");
  };
  assertMatch(on(false), /^The same sums on Example GPU: .* times as fast\)\.$/);
  assertMatch(on(true), /computes on this machine’s own cores/);
  assertMatch(
    ideasOf(file).find(({ id }) => id === "gpu")!.seen[0]!,
    /^No graphics card was found/,
  );
});

Deno.test("a lesson that had one core says so, and blames no other programs for it", () => {
  const { whoLetsGo, environment, ...file } = lessonFile("en");
  const rows = whoLetsGo!.rows.map((row) => ({ ...row, came: Math.round(row.due * 0.7) }));
  const one = { ...environment, lanesAvailable: 1 };
  const text = lessonReport(
    { ...file, environment: one, whoLetsGo: { ...whoLetsGo!, rows } },
  ).text({ columns: 200, colour: false });
  assertStringIncludes(text, "had one core alone");
  assertStringIncludes(text, "It had the only core in turns with that thread.");
  assert(!text.includes("other programs probably had the cores."));
  const speaker = new Speaker("en");
  assertEquals(speaker.say("how.workers", { lanes: 1 }), "on 1 thread");
  assertEquals(speaker.say("how.processes", { lanes: 1 }), "in 1 process");
  const where = { cpus: 1, cpu: "x", os: "linux", arch: "x", deno: "2.9", when: "now" };
  assertStringIncludes(speaker.say("page.where", where), "1 CPU (");
  assertEquals(speaker.say("how.processes", { lanes: 11 }), "in 11 processes");
});

Deno.test("a ceiling of a busy machine isn't told as the machine's own", () => {
  const file = lessonFile("en");
  const cpu = { ...file.cpu!, others: { used: 1.8, cores: 2 } };
  const text = lessonReport({ ...file, cpu }).text({ columns: 200, colour: false });
  assertStringIncludes(text, "while other programs used the cores");
  assert(!text.includes("all there is to be had"));
});

Deno.test("a ceiling that a model passed isn't called all there is to be had", () => {
  const file = lessonFile("en");
  const seen = (speedup: number) =>
    ideasOf({ ...file, cpu: { ...file.cpu, ceiling: { speedup, lanes: 2 } } })
      .find(({ id }) => id === "cpu")!.seen.join(" ");
  assertMatch(seen(1.96), /1\.96 times as fast: about that is all/);
  assertMatch(seen(1), /were only 1\.00 times as fast when that was tried/);
});

Deno.test("a busy machine is told of", () => {
  const file = lessonFile("en");
  const busy = { ...file, cpu: { ...file.cpu, others: { used: 1.5, cores: 2 } } };
  const at = { columns: 100, colour: false };
  assertStringIncludes(lessonReport(busy).text(at), "Other programs used this machine");
  assert(!lessonReport(file).text(at).includes("Other programs"));
});

Deno.test("a lesson's file is read again, and becomes a page in its own language, and Markdown", () => {
  for (const language of LANGUAGES) {
    const file = lessonFile(language);
    assertEquals<unknown>(
      parseReportFile(JSON.stringify(file), "a.json"),
      JSON.parse(JSON.stringify(file)),
    );
    const page = lessonPage(file);
    assertStringIncludes(page, `<html lang="${language}">`);
    assertEquals(page.includes("Arrow keys"), language === "en");
    assertEquals(page.match(/<svg/g)!.length, 2 * 11);
    assertStringIncludes(
      lessonReport(file).markdown(),
      `### 1. ${TEXTS[language]["difference.title"]}`,
    );
  }
});

Deno.test("hostile names in a lesson stay inert", () => {
  for (const hostile of HOSTILE) {
    const text = JSON.stringify(
      lessonFile("en"),
      (key, value) => ["model", "cpuModel", "os", "deno", "name"].includes(key) ? hostile : value,
    );
    const file = JSON.parse(text);
    assertInert(lessonPage(file));
    const plainText = lessonReport(file).text({ columns: 80, colour: false });
    // deno-lint-ignore no-control-regex
    assert(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(plainText));
  }
});

Deno.test("each model's tasks have a panel within the picture, and a table's words stand left", () => {
  const page = parsed(lessonPage(lessonFile("en")));
  const svg = page.querySelector("#io-picture .wide svg")!;
  const [, , , height] = svg.getAttribute("viewBox")!.split(" ").map(Number);
  const names = all(svg, "text.strong").map((of) => Number(of.getAttribute("y")));
  assert(names.length > 4 && names[0]! > 0 && names.at(-1)! < height!, `${names} of ${height}`);
  assertEquals(names, [...new Set(names)].sort((a, b) => a - b));
  const panels = all(svg, ".tasks").map((of) => Number(all(of, "rect")[0]!.getAttribute("y")));
  assertEquals(panels, panels.toSorted((a, b) => a - b));
  const heads = all(page.querySelector("#kinds table")!, "thead th");
  assertEquals(heads.map((of) => of.getAttribute("class") ?? ""), ["", "n", "n", ""]);
});

Deno.test("threads have the colour of threads", () => {
  const page = parsed(lessonPage(lessonFile("en")));
  const colours = ["server", "sessions"].flatMap((id) =>
    all(page, `#${id}-picture .wide rect`).map((bar) => [
      /thread/.test(bar.textContent),
      bar.getAttribute("fill"),
    ])
  );
  assert(colours.length > 4);
  for (const [isThread, colour] of colours) {
    assertEquals(colour, `var(--${isThread ? "workers" : "concurrent"})`);
  }
});
