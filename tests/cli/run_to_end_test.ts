import { assertEquals } from "@std/assert";
import { resumeCommand } from "../../lib/cli/run_to_end.ts";

Deno.test("the line that goes on is the one that was typed, and asks for that once", () => {
  assertEquals(
    resumeCommand(["job.ts", "--from", "my list.txt", "--out=a"], "--resume"),
    "deno task run job.ts --from 'my list.txt' --out=a --resume",
  );
  assertEquals(resumeCommand(["job.ts", "--resume"], "--resume"), "deno task run job.ts --resume");
  assertEquals(
    resumeCommand(["job.ts", "--retry-failed"], "--resume"),
    "deno task run job.ts --retry-failed",
  );
});
