import { assertEquals } from "@std/assert";
import { userFolder, userPath } from "../../lib/files/user_files.ts";
import { granted } from "../granted.ts";

Deno.test("relative files are where their user is, not where the task runs", () => {
  const path = (typed: string) => userPath(typed, "/home/someone");
  assertEquals(path("result.json"), "/home/someone/result.json");
  assertEquals(path("../a/b.json"), "/home/a/b.json");
  assertEquals(path("/tmp/result.json"), "/tmp/result.json");
  assertEquals(path("folder/"), "/home/someone/folder/");
  assertEquals(path(" "), " ");
});

Deno.test({
  name: "their user is where deno task was called",
  // Tests may run under it too, and others run beside this one: the variable is left as it is.
  ignore: !granted("env"),
  fn: () => assertEquals(userFolder(), Deno.env.get("INIT_CWD") ?? "."),
});

Deno.test({
  name: "their user is here where the environment may not be read",
  permissions: "none",
  fn: () => assertEquals(userFolder(), "."),
});
