import { assertEquals } from "@std/assert";
import { AbortWatch } from "../../lib/dispatch/calls.ts";

Deno.test("one listener a signal, however many share it; each is told once, and none is left", () => {
  const watch = new AbortWatch();
  const controller = new AbortController();
  const { signal } = controller;
  const counted: string[] = [];
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  Object.assign(signal, {
    addEventListener: (...args: Parameters<typeof add>) => (counted.push("add"), add(...args)),
    removeEventListener: (...args: Parameters<typeof remove>) => (
      counted.push("remove"), remove(...args)
    ),
  });
  const told: string[] = [];
  const [a, b, c] = ["a", "b", "c"].map((name) => ({
    stop(reason: unknown) {
      told.push(`${name} ${reason}`);
      watch.delete(signal, this);
    },
  }));
  watch.add(signal, a!);
  watch.delete(signal, a!);
  for (const one of [a!, b!, c!]) watch.add(signal, one);
  watch.delete(signal, b!);
  assertEquals(counted, ["add", "remove", "add"]);
  controller.abort("enough");
  assertEquals(told, ["a enough", "c enough"]);
  assertEquals(counted, ["add", "remove", "add", "remove"]);
  watch.delete(signal, a!);
});
