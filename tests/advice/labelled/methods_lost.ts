/** Computes on items of a class, whose methods aren't sent with them. @module */
import { compute, numbers } from "./compute.ts";

class Order {
  constructor(readonly place: number) {}
  price(): number {
    return compute(9_000, this.place);
  }
}

export const items = numbers(80).map((place) => new Order(place));

export default function (order: Order): number {
  return order.price();
}
