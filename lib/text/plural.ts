/**
 * Numbers of things in words.
 *
 * @module
 */

/** "1 item", "2 items"; figures may be given as they are to be shown. */
export function counted(count: number, noun: string, shown: string = String(count)): string {
  const plural = /(s|x|ch|sh)$/.test(noun) ? `${noun}es` : `${noun}s`;
  return `${shown} ${count === 1 ? noun : plural}`;
}
