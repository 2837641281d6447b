/**
 * Keeps a child's stdout for frames: whatever its tasks print goes to stderr. It runs before the
 * task's module is loaded, for that may print too.
 *
 * @module
 */

const write = Deno.stdout.writeSync.bind(Deno.stdout);

/** Where Deno keeps the class of its console, which says in one place where everything goes. */
interface Internals {
  readonly Console?: new (print: (text: string, level: number) => void) => Console;
}

const { internal } = Deno as unknown as { readonly internal: symbol };
const { Console } = (Deno as unknown as Record<symbol, Internals>)[internal] ?? {};
if (Console !== undefined) {
  Object.assign(console, new Console((text) => print(new TextEncoder().encode(text))));
} else {
  for (const name of ["log", "info", "debug"] as const) console[name] = console.error;
}

function print(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
}

Object.assign(Deno.stdout, {
  write: (bytes: Uint8Array) => Deno.stderr.write(bytes),
  writeSync: (bytes: Uint8Array) => Deno.stderr.writeSync(bytes),
});
Object.defineProperty(Deno.stdout, "writable", { get: () => Deno.stderr.writable });

/**
 * Writes a frame's parts to the parent, whole.
 *
 * @param parts Bytes, in order.
 */
export function writeParts(parts: readonly Uint8Array[]): void {
  for (const part of parts) {
    for (let at = 0; at < part.length;) at += write(part.subarray(at));
  }
}
