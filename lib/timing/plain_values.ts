/**
 * Finds values that would not survive the way to another process as JSON.
 *
 * @module
 */

/**
 * Says where a value holds something that JSON changes or drops.
 *
 * @returns Such as `"items[3].size is a bigint"`, or undefined if nothing is lost.
 */
export function lostInJson(value: unknown, path: string): string | undefined {
  if (value === null || typeof value === "string" || typeof value === "boolean") return undefined;
  if (typeof value === "number") {
    return Number.isFinite(value) && !Object.is(value, -0)
      ? undefined
      : `${path} is ${Object.is(value, -0) ? "-0" : value}`;
  }
  if (typeof value !== "object") return `${path} is a ${typeof value}`;
  if (Array.isArray(value)) {
    for (let place = 0; place < value.length; place++) {
      const lost = lostInJson(value[place], `${path}[${place}]`);
      if (lost !== undefined) return lost;
    }
    return undefined;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    return `${path} is a ${prototype?.constructor?.name ?? "class instance"}`;
  }
  for (const [key, held] of Object.entries(value)) {
    // An absent property and one that is undefined are the same to nearly everyone.
    const lost = held === undefined ? undefined : lostInJson(held, `${path}.${key}`);
    if (lost !== undefined) return lost;
  }
  return undefined;
}
