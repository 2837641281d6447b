/** A child for measuring_child_test.ts that does what its order says, and answers. */

import { answerParent } from "../../lib/children/parent.ts";

await answerParent<{ does: string }>(async ({ order: { does }, tell }) => {
  tell({ type: "progress", part: 1 });
  if (does === "give") tell({ type: "progress", part: 2 });
  if (does === "throw") throw new RangeError("too many");
  if (does === "leave a program") {
    const args = ["eval", "setTimeout(() => {}, 30_000)"];
    tell({ type: "left", pid: new Deno.Command(Deno.execPath(), { args }).spawn().pid });
  }
  if (does === "throw text") throw "no error at all";
  const [, mark] = /^mark (.*)/.exec(does) ?? [];
  if (mark !== undefined) {
    // Answers once there is a file, and removes it when that is done.
    while (await Deno.stat(mark).then(() => false, () => true));
    addEventListener("unload", () => Deno.removeSync(mark));
  }
  if (does === "exit") {
    console.log("zero\n\none\ntwo\nthree\nfour\nfive\nsix");
    Deno.exit(7);
  }
  if (does === "hang") await new Promise(() => {});
  return { sum: 3 };
});
