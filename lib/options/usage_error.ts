/**
 * The error for what a person typed and can mend: it names the option, the value and the remedy.
 *
 * @module
 */

/** How much of a value is shown: enough to recognize it, never so much that it hides the remedy. */
const SHOWN_CHARACTERS = 80;

/**
 * Writes a value that came from outside so that it stays on one line and can't steer a terminal.
 */
export function quoted(value: string): string {
  const characters = [...value];
  const shown = characters.length > SHOWN_CHARACTERS
    ? characters.slice(0, SHOWN_CHARACTERS).join("") + "…"
    : value;
  // JSON leaves DEL, the C1 controls and the marks that turn the direction of writing as they are.
  return JSON.stringify(shown).replace(
    /[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

/** A value that an option doesn't take. */
export class UsageError extends Error {
  /** Always `"UsageError"`. */
  override readonly name = "UsageError";
  /** The option as it is written on the command line, such as `--slots`, or an argument's name. */
  readonly option: string;
  /** What was given. */
  readonly value: string;
  /** What to do instead. */
  readonly remedy: string;

  /** Makes the error, its message in one line. */
  constructor(
    option: string,
    value: string,
    problem: string,
    remedy: string,
    options?: ErrorOptions,
  ) {
    super(`${option} ${quoted(value)}: ${problem}; ${remedy}`, options);
    this.option = option;
    this.value = value;
    this.remedy = remedy;
  }
}
