import { assertEquals } from "@std/assert";
import { failureLoss, valueLoss } from "../../../lib/lanes/remote/fidelity.ts";
import { toThread } from "./ways.ts";

Deno.test("a response that was thrown arrives whole but for a body that nobody has read", async () => {
  const read = new Response("body");
  await read.text();
  const unread = new Response("body");
  const losses = [new Response(null), read, unread].map((reason) =>
    failureLoss({ offset: 0, ended: "failed", reason }, toThread(), "classes")
  );
  const [none, once, lost] = losses.map((loss) => loss?.includes("whose body would not arrive"));
  assertEquals([none, once, lost], [undefined, undefined, true]);
});

Deno.test("what a class of the platform keeps under symbols isn't said to be lost", async () => {
  const algorithm = { name: "AES-GCM", length: 256 };
  const key = await crypto.subtle.generateKey(algorithm, true, ["encrypt"]);
  const lossOf = (value: unknown) => valueLoss(value, toThread(), "classes");
  for (const whole of [new Blob(["a"]), new File(["a"], "a.txt"), key, { parts: [new Blob()] }]) {
    assertEquals(lossOf(whole), undefined);
  }
  const marked = Object.assign(new Blob(["a"]), { [Symbol("mine")]: 1 });
  assertEquals(lossOf(marked), "it has the key Symbol(mine), which would not arrive");
});

Deno.test("a look at a view of a large buffer copies none of it", () => {
  let copies = 0;
  const clone = (value: unknown) => {
    copies++;
    return structuredClone(value);
  };
  const large = new ArrayBuffer(1 << 20);
  for (const value of [new Uint8Array(large, 0, 10), { page: [new DataView(large, 9)] }]) {
    assertEquals(valueLoss(value, { ...toThread(), clone }, "classes"), undefined);
  }
  assertEquals(copies, 0);
});
