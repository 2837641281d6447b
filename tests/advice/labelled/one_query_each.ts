/** Uses a connection that each lane opens and that allows one query at a time. @module */
import { numbers, wait } from "./compute.ts";

class Connection {
  #isBusy = false;

  async query(item: number): Promise<number> {
    if (this.#isBusy) throw new Error("another query is under way on this connection");
    this.#isBusy = true;
    await wait(12);
    this.#isBusy = false;
    return item;
  }
}

export const items = numbers(120);

export async function setup(): Promise<Connection> {
  await wait(20);
  return new Connection();
}

export default function (
  item: number,
  { resource }: { readonly resource: Connection },
): Promise<number> {
  return resource.query(item);
}
