import { assertEquals } from "@std/assert";
import { inTurn } from "../../lib/switching/experiments.ts";

const one = () => Promise.resolve(1);

Deno.test("experiments run one after another, each begun before the next", async () => {
  const begun: string[] = [];
  const { signal } = new AbortController();
  const { found, failure } = await inTurn({ a: one, b: one }, signal, (name) => begun.push(name));
  assertEquals([found, failure, begun], [{ a: 1, b: 1 }, undefined, ["a", "b"]]);
});

Deno.test("what was measured before an experiment failed is kept, beside what it failed with", async () => {
  const error = new Error("no thread");
  const { signal } = new AbortController();
  const told = await inTurn({ a: one, b: () => Promise.reject(error), c: one }, signal);
  assertEquals(told, { found: { a: 1 }, failure: { error } });
});

Deno.test("an abort ends experiments, keeps what was measured, and is no failure", async () => {
  const stop = new AbortController();
  const b = (signal: AbortSignal) => {
    stop.abort();
    return Promise.reject(signal.reason);
  };
  assertEquals(await inTurn({ a: one, b, c: one }, stop.signal), { found: { a: 1 } });
});
