/** The JSON Schemas that are shipped, a validator that knows nothing of this program, and the program's own. */

import { Ajv2020 } from "ajv/dist/2020";
import { z } from "zod";
import { FILE_FORMATS, type Kind, type ReportFile } from "../lib/report/kinds.ts";
import { parseWritten } from "../lib/timing/json_file.ts";

/** Where the schema of each kind of file is shipped. */
const SHIPPED: Readonly<Record<Kind, string>> = {
  comparison: "timing/result",
  advice: "advice/advice",
  sweep: "scaling/sweep",
  peers: "report/peers/peers",
  switch: "switching/switch",
  run: "running/run",
  lesson: "report/lesson/lesson",
};

/** The kinds of files. */
export const KINDS = Object.keys(SHIPPED) as Kind[];

/** The schema's file. */
export function schemaFile(kind: Kind): URL {
  return new URL(`../lib/${SHIPPED[kind]}.schema.json`, import.meta.url);
}

/** The schema that the program itself checks a kind's files with. */
export function jsonSchemaOf(kind: Kind): Record<string, unknown> {
  const title = `Lanes ${kind === "comparison" ? "result" : kind} file`;
  const { schema } = FILE_FORMATS.find((of) => (of.kind ?? "comparison") === kind)!;
  return { title, ...z.toJSONSchema(schema, { io: "input" }) };
}

/** Reads a file's text, of whichever kind it is. */
export function parseReportFile(text: string, path: string): ReportFile {
  return parseWritten(text, path, FILE_FORMATS);
}

/** What a validator says is wrong with a text against a shipped schema, a line each; none if it holds. */
export function faultsOf(kind: Kind, text: string): string[] {
  const schema = JSON.parse(Deno.readTextFileSync(schemaFile(kind)));
  const validate = new Ajv2020({ strict: true, allErrors: true }).compile(schema);
  validate(JSON.parse(text));
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
}

/** A text of JSON in which the field at a path is another, or gone if that is undefined. */
export function edited(text: string, path: readonly (string | number)[], value: unknown): string {
  const data = JSON.parse(text);
  const parent = path.slice(0, -1).reduce((inner, key) => inner[key], data);
  const last = path.at(-1)!;
  if (!(last in parent)) throw new Error(`There is no ${path.join(".")} to edit`);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return JSON.stringify(data);
}
