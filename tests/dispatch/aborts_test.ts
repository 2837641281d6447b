import { assertEquals } from "@std/assert";
import { AbortWatch } from "../../lib/dispatch/aborts.ts";

Deno.test("however many share a signal, each is told once, and its own listeners get no more", () => {
  const watch = new AbortWatch();
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  Object.assign(signal, { addEventListener: () => listeners++ });
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
  controller.abort("enough");
  assertEquals([told, listeners], [["a enough", "c enough"], 0]);
  watch.delete(signal, a!);
});

Deno.test("a listener that keeps the event from others keeps it from nobody here", () => {
  const watch = new AbortWatch();
  const controller = new AbortController();
  controller.signal.addEventListener("abort", (event) => event.stopImmediatePropagation());
  const told: unknown[] = [];
  watch.add(controller.signal, { stop: (reason) => told.push(reason) });
  controller.abort("enough");
  assertEquals(told, ["enough"]);
});
