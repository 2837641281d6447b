/** A module that can't be loaded. */

export const items = [1, 2, 3];

export default function (n: number): number {
  return n;
}

throw new Error("not today");
