import { assertEquals, assertThrows } from "@std/assert";
import { fill } from "../../lib/text/fill.ts";
import advice from "../../lib/advice/en.json" with { type: "json" };
import sweep from "../../lib/report/scaling/en.json" with { type: "json" };
import { granted } from "../granted.ts";

const raw = (_: string, value: unknown) => String(value);

Deno.test("values are put in by their paths, as the caller shows them, and not looked into again", () => {
  const named = (name: string, value: unknown) => `${name}=${value}`;
  assertEquals(fill("{a} of {b.c}", { a: 2, b: { c: "x" } }, named), "a=2 of b.c=x");
  assertEquals(fill("{a}, {b}", { a: "{b} $& $1", b: null }, raw), "{b} $& $1, null");
});

Deno.test("a plural behind a value of 1 becomes a singular, and any other word stays", () => {
  const said = (count: number) => fill("{n} processes, {n} cores of {n} sites", { n: count }, raw);
  assertEquals(said(1), "1 process, 1 core of 1 sites");
  assertEquals(said(2), "2 processes, 2 cores of 2 sites");
  assertEquals(fill("{n} tasks", { n: "1" }, raw), "1 tasks");
  assertEquals(fill("{n} itemsets", { n: 1 }, raw), "1 itemsets");
});

Deno.test("a text whose value is missing isn't said", () => {
  assertThrows(() => fill("{a.b} items", { a: {} }, raw), TypeError, "a.b is missing");
});

const SAID = [
  { what: "advice", texts: advice, folders: ["advice/", "report/advice/"] },
  { what: "a sweep", texts: sweep, folders: ["report/scaling/"] },
];

for (const { what, texts, folders } of SAID) {
  Deno.test({
    name: `every text of ${what} is said somewhere`,
    ignore: !granted("read"),
    fn() {
      const files = (at: URL): URL[] =>
        [...Deno.readDirSync(at)].flatMap(({ name, isDirectory }) =>
          isDirectory
            ? files(new URL(`${name}/`, at))
            : name.endsWith(".ts")
            ? [new URL(name, at)]
            : []
        );
      const code = folders.flatMap((of) => files(new URL(`../../lib/${of}`, import.meta.url)))
        .map((file) => Deno.readTextFileSync(file)).join("\n");
      // A key is written out, or its beginning is, before a part that is chosen.
      const isSaid = (key: string) =>
        code.includes(`"${key}"`) ||
        [...key.matchAll(/\./g)].some(({ index }) => code.includes(`\`${key.slice(0, index)}.\${`));
      assertEquals(Object.keys(texts).filter((key) => !isSaid(key)), []);
    },
  });
}
