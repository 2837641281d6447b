import { granted } from "../granted.ts";
import { killed } from "./killed.ts";

Deno.test({
  name:
    "a run that is killed again and again with all its processes loses nothing, and writes nothing twice",
  ignore: !granted("read", "write", "run", "env", "net") || Deno.build.os === "windows",
  fn: async () => void await killed({ kills: 4, items: 2000, seed: 7 }),
});
