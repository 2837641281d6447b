/** Reads the comments on fields in the program's schemas, for the JSON Schemas made from them. */

import { assertEquals } from "@std/assert";
import { parse } from "@babel/parser";

/** A node of TypeScript's syntax tree, with the fields that schemas are made of. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly name?: string;
  readonly leadingComments?: readonly { readonly value: string }[];
  readonly declaration?: Node;
  readonly declarations?: readonly Node[];
  readonly id?: Node;
  readonly init?: Node;
  readonly specifiers?: readonly { readonly local: Node; readonly imported?: Node }[];
  readonly source?: { readonly value: string };
  readonly properties?: readonly Node[];
  readonly elements?: readonly Node[];
  readonly key?: Node;
  readonly value?: Node;
  readonly argument?: Node;
  readonly expression?: Node;
  readonly callee?: Node;
  readonly object?: Node;
  readonly property?: Node;
  readonly arguments?: readonly Node[];
}

/** The comments on a value and its parts. */
interface Told {
  readonly text?: string | undefined;
  /** The name of the constant that holds the value, if one does. */
  readonly name?: string | undefined;
  readonly fields?: Readonly<Record<string, Told>> | undefined;
  /** The comments on an array's entries, or a record's values. */
  readonly entries?: Told | undefined;
  /** The comments on each alternative of a union. */
  readonly choices?: readonly Told[] | undefined;
}

interface Source {
  readonly code: string;
  readonly constants: ReadonlyMap<
    string,
    { readonly init: Node; readonly text?: string | undefined }
  >;
  readonly imports: ReadonlyMap<string, { readonly url: string; readonly name: string }>;
}

const sources = new Map<string, Source>();

function sourceAt(url: string): Source {
  const known = sources.get(url);
  if (known !== undefined) return known;
  const code = Deno.readTextFileSync(new URL(url));
  const { body } = parse(code, { sourceType: "module", plugins: ["typescript"] })
    .program as unknown as { readonly body: readonly Node[] };
  const constants = body.flatMap((statement) =>
    (statement.declaration ?? statement).declarations?.flatMap(({ id, init }) =>
      init == null ? [] : [[id!.name!, { init, text: commentOf(statement) }] as const]
    ) ?? []
  );
  const imports = body.filter(({ type }) => type === "ImportDeclaration").flatMap((statement) =>
    statement.specifiers!.flatMap(({ local, imported }) =>
      imported === undefined ? [] : [
        [local.name!, { url: URL.parse(statement.source!.value, url)!.href, name: imported.name! }],
      ] as const
    )
  );
  const source = { code, constants: new Map(constants), imports: new Map(imports) };
  sources.set(url, source);
  return source;
}

function commentOf({ leadingComments }: Node): string | undefined {
  const comment = leadingComments?.findLast(({ value }) => value.startsWith("*"))?.value;
  return comment?.slice(1).split("\n").map((line) => line.replace(/^\s*\*?\s*/, "").trim())
    .join(" ").replaceAll(/\{@linkcode (\w+)\}/g, "$1").trim();
}

/** The comments where a constant is declared; the comment on a number says nothing about its fields. */
function toldOfConstant(name: string, source: Source): Told {
  const constant = source.constants.get(name);
  if (constant === undefined) {
    const from = source.imports.get(name);
    return from === undefined || !from.url.startsWith("file:")
      ? {}
      : toldOfConstant(from.name, sourceAt(from.url));
  }
  const { init, text } = constant;
  const isNumber = source.code.startsWith("z.number(", init.start);
  return { ...toldOf(init, source), name, ...(!isNumber && { text }) };
}

function toldOfFields(properties: readonly Node[], source: Source): Record<string, Told> {
  return Object.assign(
    {},
    ...properties.map((property) => {
      if (property.type === "SpreadElement") return toldOf(property.argument!, source).fields;
      const told = toldOf(property.value!, source);
      return { [property.key!.name!]: { ...told, text: commentOf(property) ?? told.text } };
    }),
  );
}

function toldOf(node: Node, source: Source): Told {
  if (node.type === "Identifier") return toldOfConstant(node.name!, source);
  if (node.type === "ObjectExpression") {
    return { fields: toldOfFields(node.properties!, source) };
  }
  if (node.type === "ArrayExpression") {
    return { choices: node.elements!.map((element) => toldOf(element, source)) };
  }
  const { object, property }: Partial<Node> = node.callee ?? {};
  if (object === undefined) return {};
  const [first, second] = node.arguments!;
  if (object.name !== "z") {
    const told = toldOf(object, source);
    return property!.name === "extend"
      ? { ...told, name: undefined, fields: { ...told.fields, ...toldOf(first!, source).fields } }
      : told;
  }
  switch (property!.name) {
    case "object":
    case "union":
      return toldOf(first!, source);
    case "array":
      return { entries: toldOf(first!, source) };
    case "record":
      return { entries: toldOf(second!, source) };
    default:
      return {};
  }
}

/** A JSON Schema, with the parts that descriptions are added to. */
export interface JsonSchema {
  readonly [key: string]: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly propertyNames?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly anyOf?: readonly JsonSchema[];
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly $ref?: string;
}

/** The parts that are used more than once: as zod names them, and those that are named by their constants. */
interface Shared {
  readonly parts: Readonly<Record<string, JsonSchema>>;
  readonly named: Record<string, JsonSchema>;
}

function described(schema: JsonSchema, told: Told, shared: Shared): JsonSchema {
  const { properties, items, propertyNames, additionalProperties: values, anyOf, $ref } = schema;
  const { text, name, fields = {}, entries, choices } = told;
  const part = $ref === undefined ? undefined : shared.parts[$ref.slice("#/$defs/".length)]!;
  if (part !== undefined && (name === undefined || part.properties === undefined)) {
    // A number or a text reads better where it stands.
    const { $ref: _, ...own } = schema;
    return described({ ...part, ...own }, told, shared);
  }
  const title = name?.replace(/Schema$/, "");
  if (part !== undefined) {
    const own = described(part, { ...told, text: undefined }, shared);
    // Two files may each have a constant of this name.
    assertEquals(shared.named[title!] ??= own, own, title);
  }
  return {
    ...(text && { description: text }),
    ...schema,
    ...(part && { $ref: `#/$defs/${title}` }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, of]) => {
          return [name, described(of, fields[name] ?? {}, shared)];
        }),
      ),
    }),
    ...(items && { items: described(items, entries ?? {}, shared) }),
    ...(propertyNames && { propertyNames: described(propertyNames, {}, shared) }),
    ...(typeof values === "object" && {
      additionalProperties: described(values, entries ?? {}, shared),
    }),
    // The alternative may be null.
    ...(anyOf && {
      anyOf: anyOf.map((of, i) =>
        described(of, choices?.[i] ?? { ...told, text: undefined }, shared)
      ),
    }),
  };
}

/** A schema with the comments at the constant that it was made from; what is used twice is in its `$defs`. */
export function withComments(
  { $defs: parts = {}, ...schema }: JsonSchema,
  url: URL,
  constant: string,
): JsonSchema {
  const named: Record<string, JsonSchema> = {};
  const told = toldOfConstant(constant, sourceAt(url.href));
  const whole = described(schema, told, { parts, named });
  return Object.keys(named).length === 0 ? whole : { ...whole, $defs: named };
}
