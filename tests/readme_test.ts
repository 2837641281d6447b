/**
 * README.ko.md is README.md in Korean. Tests can't compare the meaning, but they check that code, commands,
 * links and levels of headings are the same.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { parse } from "@babel/parser";
import { MODELS } from "../lib/models.ts";
import { granted } from "./granted.ts";

const ignore = !granted("read");
const ROOT = new URL("../", import.meta.url);

const read = (name: string) => Deno.readTextFileSync(new URL(name, ROOT));
const blocks = (text: string) => text.match(/^```.*?^```$/gms) ?? [];
const prose = (text: string) => text.replaceAll(/^```.*?^```$/gms, "");

/** The code spans in a table's first column: commands and names. */
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
  name: "each README shows in code the two commands that are all the set-up",
  ignore,
  fn: () => {
    for (const name of ["README.md", "README.ko.md"]) {
      const lines = blocks(read(name)).flatMap((block) => block.split("\n"));
      const commands = lines.map((line) => line.replace(/^\$ /, "")).filter((line) =>
        /^npx /.test(line)
      );
      assertEquals([...new Set(commands)], [
        "npx -y deno@2.9 task io",
        "npx -y deno@2.9 task test",
      ]);
    }
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

/** A statement of TypeScript's syntax tree, with the fields that the test of options uses. */
interface Node {
  readonly type: string;
  readonly id?: { readonly name: string };
  readonly key?: { readonly name: string };
  readonly expression?: { readonly name: string };
  readonly literal?: { readonly value: string };
  readonly body?: { readonly body: readonly Node[] };
  readonly extends?: readonly Node[];
  readonly params?: readonly Node[];
  readonly left?: Node;
  readonly types?: readonly Node[];
  readonly typeName?: { readonly name: string };
  readonly typeAnnotation?: Node;
  readonly typeParameters?: { readonly params: readonly Node[] };
}

/** The declarations in the library's files, by name. */
function declared(): Map<string, Node> {
  const files = ["loop", "open", "executor", "executor_options", "dispatch/map_options"]
    .map((name) => `lib/${name}.ts`);
  return new Map(
    files.flatMap((file) =>
      parse(read(file), { sourceType: "module", plugins: ["typescript"] }).program.body
    )
      .flatMap((statement) => {
        const node = "declaration" in statement
          ? statement.declaration as Node | null
          : statement as Node;
        return node?.id === undefined ? [] : [[node.id.name, node] as const];
      }),
  );
}

/** The values of a literal type, or of a union of literal types. */
function literals({ types, literal }: Node): string[] {
  return types?.flatMap(literals) ?? [literal!.value];
}

/** The options of a type: of an interface with those it extends, or of a choice of another type's fields. */
function optionsOf(name: string, types: ReadonlyMap<string, Node>): string[] {
  const { type, body, extends: bases = [], typeAnnotation } = types.get(name)!;
  if (type === "TSTypeAliasDeclaration") {
    return literals(typeAnnotation!.typeParameters!.params[1]!);
  }
  return [
    ...bases.flatMap(({ expression, typeParameters }) => {
      if (expression!.name !== "Omit") return optionsOf(expression!.name, types);
      const [of, without] = typeParameters!.params;
      return optionsOf(of!.typeName!.name, types).filter((name) =>
        !literals(without!).includes(name)
      );
    }),
    ...body!.body.map(({ key }) => key!.name),
  ];
}

/** Each option by the library's types, after the function that takes it. */
function typedOptions(): string[] {
  const types = declared();
  const typeOf = (model: string) => {
    const [param] = types.get(model)!.params!;
    return (param!.left ?? param!).typeAnnotation!.typeAnnotation!.typeName!.name;
  };
  return [
    ...MODELS.flatMap((model) => optionsOf(typeOf(model), types).map((name) => `${model} ${name}`)),
    ...optionsOf("MapOptions", types).map((name) => `map ${name}`),
    ...optionsOf("RunOptions", types).map((name) => `run ${name}`),
  ].sort();
}

for (const name of ["README.md", "README.ko.md"]) {
  Deno.test({
    name: `${name} lists every option of executors, map and run, and none that isn't one`,
    ignore,
    fn: () => {
      const rows = prose(read(name)).split("\n")
        .map((line) =>
          /^\| `(\w+)` +\| ((?:`(?:map|run|\w+)`(?:, )?)+|(?:every executor|모든 실행기)) +\|/.exec(
            line,
          )
        )
        .filter((row) => row !== null);
      const listed = rows.flatMap(([_, option, takers]) =>
        (takers!.match(/\w+(?=`)/g) ?? MODELS).map((taker) => `${taker} ${option}`)
      );
      assertEquals(listed.sort(), typedOptions());
    },
  });
}
