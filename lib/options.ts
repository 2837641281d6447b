/**
 * Reads what people type after a command: numbers, times, words, addresses, files. Every function
 * takes the option's name and the text, and gives a value or throws a {@linkcode UsageError} that
 * fits on one line. Only scripts use this.
 *
 * @module
 */

export { quoted, UsageError } from "./options/usage_error.ts";
export {
  duration,
  LONGEST_WAIT_MS,
  nonNegativeInteger,
  nonNegativeNumber,
  type NumberBounds,
  positiveInteger,
  share,
} from "./options/numbers.ts";
export { httpUrl, listOf, oneOf } from "./options/words.ts";
export {
  inputFile,
  type InputFileBounds,
  type NamedFile,
  outputFile,
  requireDistinct,
} from "./options/files.ts";
