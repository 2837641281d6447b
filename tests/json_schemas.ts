/** The JSON Schemas that are shipped, a validator that knows nothing of this program, and the program's own. */

import { Ajv2020 } from "ajv/dist/2020";
import { z } from "zod";
import { fileFormats, type Kind as OwnKind, type ReportFile } from "../lib/report/kinds.ts";
import { parseWritten } from "../lib/timing/json_file.ts";
import "../scripts/peers/harness/peers_report.ts";
import { type JsonSchema, withComments } from "./schema_comments.ts";

/** Those of the library, and the one that a script adds. */
export type Kind = OwnKind | "peers";

/** Where the schema of each kind of file is shipped, and the file and constant from which it is made. */
const SHIPPED: Readonly<Record<Kind, readonly [shipped: string, file: string, constant: string]>> =
  {
    comparison: ["lib/timing/result", "lib/timing/result", "resultFileSchema"],
    advice: ["lib/advice/advice", "lib/advice/advice", "adviceFileSchema"],
    sweep: ["lib/scaling/sweep", "lib/scaling/sweep_result", "sweepResultSchema"],
    peers: ["scripts/peers/peers", "scripts/peers/harness/peers_report", "peersFileSchema"],
    switch: ["lib/switching/switch", "lib/switching/switch_result", "switchFileSchema"],
    run: ["lib/running/run", "lib/running/run_result", "runFileSchema"],
    lesson: ["lib/report/lesson/lesson", "lib/report/lesson/lesson_file", "lessonFileSchema"],
  };

/** The kinds of files. */
export const KINDS = Object.keys(SHIPPED) as Kind[];

/** The schema's file. */
export function schemaFile(kind: Kind): URL {
  return new URL(`../${SHIPPED[kind][0]}.schema.json`, import.meta.url);
}

/** The schema that the program itself checks a kind's files with, and what its source says of their fields. */
export function jsonSchemaOf(kind: Kind): JsonSchema {
  const title = `Lanes ${kind === "comparison" ? "result" : kind} file`;
  const format = fileFormats().find((of) => (of.kind ?? "comparison") === kind)!;
  const description =
    `What deno task ${(format.writers ?? [kind]).join(" or ")} writes with --json. ` +
    "Names end in units: Ms is milliseconds, Bytes are bytes. A share is from 0 to 1.";
  const [, file, constant] = SHIPPED[kind];
  const schema = z.toJSONSchema(format.schema, { io: "input" }) as unknown as JsonSchema;
  const url = new URL(`../${file}.ts`, import.meta.url);
  return { title, description, ...withComments(schema, url, constant) };
}

/** Reads a file's text, of whichever kind it is. */
export function parseReportFile(text: string, path: string): ReportFile {
  return parseWritten(text, path, fileFormats());
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
