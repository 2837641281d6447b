import { assertEquals } from "@std/assert";
import { userPath } from "../../lib/files/user_path.ts";
import { granted } from "../granted.ts";

Deno.test({
  name: "relative files are where their user is, not where the task runs",
  ignore: !granted("env"),
  fn() {
    const before = Deno.env.get("INIT_CWD");
    try {
      Deno.env.set("INIT_CWD", "/home/someone");
      assertEquals(userPath("result.json"), "/home/someone/result.json");
      assertEquals(userPath("../a/b.json"), "/home/a/b.json");
      assertEquals(userPath("/tmp/result.json"), "/tmp/result.json");
      assertEquals(userPath("folder/"), "/home/someone/folder/");
    } finally {
      if (before === undefined) Deno.env.delete("INIT_CWD");
      else Deno.env.set("INIT_CWD", before);
    }
  },
});
