/**
 * Reads result files, which may be anything.
 *
 * @module
 */

import type { ResultFile } from "./result.ts";
import { checkResult } from "./result_schema.ts";
import { withoutVainGains } from "./succeeded.ts";
import { type FileFormat, parseWritten, readWritten } from "./written_file.ts";

/** Faults that the schema can't see: columns of unlike length, indices that point nowhere. */
function inconsistency(file: ResultFile): string | undefined {
  for (const [c, { models }] of file.comparisons.entries()) {
    for (const [m, { timeline, rounds }] of models.entries()) {
      const where = `comparisons[${c}].models[${m}]`;
      if (rounds.length === 0) return `${where}.rounds is empty`;
      if (timeline === undefined) continue;
      const { index, lane, queuedMs, startedMs, endedMs, status } = timeline;
      for (const [name, column] of Object.entries({ lane, queuedMs, startedMs, endedMs, status })) {
        if (column.length !== index.length) {
          return `${where}.timeline.${name} has ${column.length} entries, but index has ` +
            `${index.length}`;
        }
      }
    }
  }
  return undefined;
}

/** The result files of comparisons. */
export const RESULT_FORMAT: FileFormat<ResultFile> = {
  kind: undefined,
  writers: ["io", "cpu"],
  check: (data) => {
    const checked = checkResult(data);
    if (checked.fault !== undefined) return checked;
    const { value } = checked;
    return { value: { ...value, comparisons: value.comparisons.map(withoutVainGains) } };
  },
  inconsistency,
};

/**
 * Makes a result file of text, or says what is wrong with it.
 *
 * @throws {ResultFileError} If it is no JSON, of another version or kind, or has a field that can't be.
 */
export function parseResultFile(text: string, path: string): ResultFile {
  return parseWritten(text, path, [RESULT_FORMAT]);
}

/**
 * Reads a result file.
 *
 * @throws {ResultFileError} If it is missing, too large, truncated, of another version or kind, or
 * nonsense.
 */
export async function readResultFile(path: string): Promise<ResultFile> {
  return await readWritten(path, [RESULT_FORMAT]);
}
