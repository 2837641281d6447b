/**
 * The no-op task as piscina, tinypool and jest-worker want it: the default export of a module.
 *
 * @param {number} item Any number.
 * @returns {number} The same number.
 */
export default function noop(item) {
  return item;
}
