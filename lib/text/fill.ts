/** Puts values into texts that are kept apart from the code, so that each language has its own. */

/** A value's place in a text, and a plural behind it: "{lanes} threads" with 1 becomes "1 thread". */
const PLACE =
  /\{([\w.]+)\}(?:( (?:thread|process|slot|session|connection|CPU|item|task|lane|core|round))e?s\b)?/g;

/** A text with the values that it names by their paths in `values`, each as `shown` writes it. */
export function fill(
  text: string,
  values: object,
  shown: (name: string, value: unknown) => string,
): string {
  return text.replaceAll(PLACE, (place: string, path: string, noun: string | undefined) => {
    const value = path.split(".").reduce(
      (of: unknown, name) => (of as Record<string, unknown> | undefined)?.[name],
      values,
    );
    if (value === undefined) throw new TypeError(`Cannot say "${text}": ${path} is missing`);
    return shown(path, value) + (value === 1 && noun || place.slice(path.length + 2));
  });
}
