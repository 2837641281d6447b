/** Values as JSON, whatever they are. It imports no npm package: it runs in the job's process. */

/**
 * A value as JSON on one line. What JSON has no form for is written so that nothing of it is lost:
 * bigints, and numbers that are none or infinite, as strings, bytes as base64, other typed arrays and sets
 * as lists, maps as lists of pairs, errors with their name and message. No value at all is null.
 *
 * @throws {TypeError} If it holds itself, a function or a symbol, or can't be read.
 */
export function jsonText(value: unknown): string {
  const plain = typeof value === "string" || Number.isFinite(value) || typeof value === "boolean";
  return (plain ? JSON.stringify(value) : JSON.stringify(value, portable)) ?? "null";
}

function portable(key: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "function" || typeof value === "symbol") {
    throw new TypeError(`${key === "" ? "it" : JSON.stringify(key)} is a ${typeof value}`);
  }
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Map || value instanceof Set) return [...value];
  if (value instanceof Error) return { ...value, name: value.name, message: value.message };
  if (value instanceof ArrayBuffer) return new Uint8Array(value).toBase64();
  if (!ArrayBuffer.isView(value)) return value;
  if (value instanceof Uint8Array) return value.toBase64();
  if (!(value instanceof DataView)) return Array.from(value as Float64Array);
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).toBase64();
}
