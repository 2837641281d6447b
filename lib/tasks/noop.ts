/** Task: does nothing, so that only the time of sending and receiving is measured. */

export default function noop<Item>(item: Item): Item {
  return item;
}
