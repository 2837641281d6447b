/** Values that a hand-edited or malicious result file may contain. */

import type { FileFormat } from "../../../lib/timing/json_file.ts";

/** Strings that break out of markup, scripts, styles or lines where they are not escaped. */
export const HOSTILE_STRINGS: readonly string[] = [
  "</script><script>globalThis.pwned = 1</script>",
  "</style><style>body{display:none}</style>",
  "</title></svg><img src=x onerror=globalThis.pwned=1>",
  '" onmouseover="globalThis.pwned=1" x="',
  "' autofocus onfocus='globalThis.pwned=1",
  "<svg onload=globalThis.pwned=1>",
  "<!--<script>",
  "]]><b>",
  "javascript:globalThis.pwned=1",
  "&lt;b&gt; &amp; &#60;",
  "line\r\nbreak\u2028and\u2029more",
  "exe.\u202egnp\u2066\u2069",
  "\u0000\u0007\u001b]0;title\u0007\u001b[31m",
  "\ud800 lone surrogate",
  "__proto__",
  "constructor",
  "NaN",
  "=cmd()|'/c calc'!A0",
  "𝕃𝕒𝕟𝕖𝕤 車線 🛣️",
  "a".repeat(50_000),
  "",
];

/** Numbers that no measurement gives. */
export const HOSTILE_NUMBERS: readonly number[] = [
  NaN,
  Infinity,
  -Infinity,
  -1,
  0,
  -0,
  1e308,
  -1e308,
  5e-324,
  Number.MAX_SAFE_INTEGER,
];

/** Changed data as a reader would take it: what its schema refuses is as it was. */
export function readable<T>(changed: T, original: T, { schema }: FileFormat<T>): T {
  for (;;) {
    const { error } = schema.safeParse(changed);
    if (error === undefined) return changed;
    for (const { path } of error.issues) {
      const at = (of: unknown) =>
        path.slice(0, -1).reduce<Parts>((part, key) => part[key]!, of as Parts);
      at(changed)[path.at(-1)!] = at(original)[path.at(-1)!]!;
    }
  }
}

interface Parts {
  [key: PropertyKey]: Parts;
}

/**
 * A copy of plain data with some strings and numbers replaced by hostile ones.
 *
 * @param value Plain data.
 * @param pick Chooses one of `count` hostile values for each value; −1 keeps the value.
 */
export function poison<T>(value: T, pick: (count: number) => number): T {
  return poisoned(value, pick) as T;
}

function poisoned(value: unknown, pick: (count: number) => number): unknown {
  if (typeof value === "string") {
    return HOSTILE_STRINGS[pick(HOSTILE_STRINGS.length)] ?? value;
  }
  if (typeof value === "number") {
    return HOSTILE_NUMBERS[pick(HOSTILE_NUMBERS.length)] ?? value;
  }
  if (Array.isArray(value)) return value.map((item) => poisoned(item, pick));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, poisoned(v, pick)]));
  }
  return value;
}
