import { assertEquals } from "@std/assert";
import { granted } from "../granted.ts";

Deno.test({
  name: "the signal pipe is opened once, and nothing is left listening",
  ignore: !granted("read"),
  async fn() {
    // A module of its own, for another test may have opened the pipe before.
    const url = new URL("../../lib/lanes/descriptor_reserve.ts?anew", import.meta.url).href;
    const { reserveSignalPipe } = await import(url);
    const listening: unknown[] = [];
    let added = 0;
    const { addSignalListener, removeSignalListener } = Deno;
    Object.assign(Deno, {
      addSignalListener: (_signal: string, listener: unknown) => {
        added++;
        listening.push(listener);
      },
      removeSignalListener: (_signal: string, listener: unknown) => {
        listening.splice(listening.indexOf(listener), 1);
      },
    });
    try {
      reserveSignalPipe();
      reserveSignalPipe();
    } finally {
      Object.assign(Deno, { addSignalListener, removeSignalListener });
    }
    assertEquals([added, listening], [1, []]);
  },
});
