/** A task that ends its process. */

export const items = [1, 2, 3];

export default function (): never {
  Deno.exit(7);
}
