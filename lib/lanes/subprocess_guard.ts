/**
 * Keeps a child's stdout for frames: whatever its tasks print goes to stderr. It runs before the
 * task's module is loaded, for that may print too.
 *
 * @module
 */

const write = Deno.stdout.writeSync.bind(Deno.stdout);

for (const name of ["log", "info", "debug"] as const) {
  console[name] = (...data: unknown[]) => console.error(...data);
}
Object.assign(Deno.stdout, {
  write: (bytes: Uint8Array) => Deno.stderr.write(bytes),
  writeSync: (bytes: Uint8Array) => Deno.stderr.writeSync(bytes),
});

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
