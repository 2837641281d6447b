/**
 * README.ko.md is README.md in Korean: by its meaning, which no machine can check, but with the same
 * code, commands, links and headings' depths, which one can.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { granted } from "./granted.ts";

const ignore = !granted("read");
const ROOT = new URL("../", import.meta.url);

const read = (name: string) => Deno.readTextFileSync(new URL(name, ROOT));
const blocks = (text: string) => text.match(/^```.*?^```$/gms) ?? [];
const prose = (text: string) => text.replaceAll(/^```.*?^```$/gms, "");

/** What stands in code spans of a table's first column: commands and names. */
function commands(text: string): string[] {
  const cells = prose(text).split("\n").map((line) => /^\| (.*?) \|/.exec(line)?.[1] ?? "");
  return cells.flatMap((cell) => cell.match(/`[^`]+`/g) ?? []);
}

const same: readonly (readonly [string, (text: string) => readonly string[]])[] = [
  ["code", blocks],
  ["commands and names in tables", commands],
  ["headings' depths", (text) => prose(text).match(/^#+/gm) ?? []],
  ["linked files", (text) => (prose(text).match(/\]\((?!README)[^)]+\)/g) ?? []).sort()],
];

for (const [what, of] of same) {
  Deno.test({
    name: `README.ko.md has the same ${what} as README.md`,
    ignore,
    fn: () => {
      const [english, korean] = ["README.md", "README.ko.md"].map((name) => of(read(name)));
      assert(english!.length > 3);
      assertEquals(korean, english);
    },
  });
}

Deno.test({
  name: "each README links to the other in its first lines",
  ignore,
  fn: () => {
    const top = (name: string) => read(name).split("\n").slice(0, 4).join("\n");
    assertMatch(top("README.md"), /\[한국어\]\(README\.ko\.md\)/);
    assertMatch(top("README.ko.md"), /\[English\]\(README\.md\)/);
  },
});

Deno.test({
  name: "every deno task that the READMEs name is one",
  ignore,
  fn: () => {
    const { tasks } = JSON.parse(read("deno.json"));
    for (const name of ["README.md", "README.ko.md"]) {
      for (const [, task] of read(name).matchAll(/deno(?:@2\.9)? task ([\w:]+)/g)) {
        assert(task! in tasks, `${name} names deno task ${task}`);
      }
    }
  },
});
