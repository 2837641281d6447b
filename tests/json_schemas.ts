/** The JSON Schemas that are shipped, and a validator that knows nothing of this program. */

import { Ajv2020 } from "ajv/dist/2020";
import { adviceJsonSchema } from "../lib/advice/advice.ts";
import { sweepJsonSchema } from "../lib/scaling/sweep_result.ts";
import { switchJsonSchema } from "../lib/switching/switch_result.ts";
import { lessonJsonSchema } from "../lib/report/lesson/lesson_file.ts";
import { peersJsonSchema } from "../lib/report/peers/peers_file.ts";
import { runJsonSchema } from "../lib/running/run_result.ts";
import { resultJsonSchema } from "../lib/timing/result.ts";

/** Each kind of file: its schema as shipped, and as the program makes it. */
export const SCHEMAS = {
  result: {
    file: new URL("../lib/timing/result.schema.json", import.meta.url),
    made: resultJsonSchema,
  },
  advice: {
    file: new URL("../lib/advice/advice.schema.json", import.meta.url),
    made: adviceJsonSchema,
  },
  sweep: {
    file: new URL("../lib/scaling/sweep.schema.json", import.meta.url),
    made: sweepJsonSchema,
  },
  peers: {
    file: new URL("../lib/report/peers/peers.schema.json", import.meta.url),
    made: peersJsonSchema,
  },
  run: {
    file: new URL("../lib/running/run.schema.json", import.meta.url),
    made: runJsonSchema,
  },
  switch: {
    file: new URL("../lib/switching/switch.schema.json", import.meta.url),
    made: switchJsonSchema,
  },
  lesson: {
    file: new URL("../lib/report/lesson/lesson.schema.json", import.meta.url),
    made: lessonJsonSchema,
  },
} as const;

/** The kind of a file. */
export type SchemaName = keyof typeof SCHEMAS;

/** What a validator says is wrong with a text against a shipped schema, a line each; none if it holds. */
export function faultsOf(name: SchemaName, text: string): string[] {
  const schema = JSON.parse(Deno.readTextFileSync(SCHEMAS[name].file));
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
