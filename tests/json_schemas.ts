/** The shipped JSON Schemas, an independent validator, and the schemas made from the program's own. */

import { Ajv2020 } from "ajv/dist/2020";
import { z } from "zod";
import { fileFormats, type Kind as OwnKind, type ReportFile } from "../lib/report/kinds.ts";
import { parseWritten } from "../lib/timing/json_file.ts";
import "../scripts/peers/harness/peers_report.ts";
import { type JsonSchema, withComments } from "./schema_comments.ts";

/** The kinds of files of the library, and the one that a script adds. */
export type Kind = OwnKind | "peers";

/** For each kind of file, the path of its shipped schema, and the file and constant it is made from. */
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

export const KINDS = Object.keys(SHIPPED) as Kind[];

export function schemaFile(kind: Kind): URL {
  return new URL(`../${SHIPPED[kind][0]}.schema.json`, import.meta.url);
}

/** The JSON Schema of the program's own check, with the comments on its fields in the source. */
export function jsonSchemaOf(kind: Kind): JsonSchema {
  const title = `Lanes ${kind === "comparison" ? "result" : kind} file`;
  const format = fileFormats().find((of) => (of.kind ?? "comparison") === kind)!;
  const description =
    `What deno task ${(format.writers ?? [kind]).join(" or ")} writes with --json. ` +
    "Names end in units: Ms is milliseconds, Bytes are bytes. A share is from 0 to 1.";
  const [, file, constant] = SHIPPED[kind];
  const made = z.toJSONSchema(format.schema, { io: "input", reused: "ref" });
  const schema = made as unknown as JsonSchema;
  const url = new URL(`../${file}.ts`, import.meta.url);
  return { title, description, ...withComments(schema, url, constant) };
}

/** Reads a file's text, of any kind. */
export function parseReportFile(text: string, path: string): ReportFile {
  return parseWritten(text, path, fileFormats());
}

/** Made once for each kind, which takes longer than validating with them. */
const validators = new Map<Kind, ReturnType<Ajv2020["compile"]>>();

/** The errors of a validator for a text against a shipped schema, one line each; empty if it is valid. */
export function faultsOf(kind: Kind, text: string): string[] {
  const validate = validators.getOrInsertComputed(kind, () => {
    const schema = JSON.parse(Deno.readTextFileSync(schemaFile(kind)));
    return new Ajv2020({ strict: true, allErrors: true }).compile(schema);
  });
  validate(JSON.parse(text));
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
}

/** A JSON text with the field at a path replaced, or removed if the value is undefined. */
export function edited(text: string, path: readonly (string | number)[], value: unknown): string {
  const data = JSON.parse(text);
  const parent = path.slice(0, -1).reduce((inner, key) => inner[key], data);
  const last = path.at(-1)!;
  if (!(last in parent)) throw new Error(`There is no ${path.join(".")} to edit`);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return JSON.stringify(data);
}
