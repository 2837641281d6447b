import { assertEquals } from "@std/assert";
import { mayImport, workerPermissions } from "../../lib/lanes/worker_permissions.ts";
import type { Task } from "../../lib/lanes/task.ts";

const hash: Task = { module: "file:///jobs/hash.ts", export: "default" };
const other: Task = { module: "file:///other/parse.ts", export: "default" };
const remote: Task = { module: "https://example.com/task.ts", export: "default" };

Deno.test("workerPermissions() leaves a thread as it is unless something narrower is asked for", () => {
  assertEquals(workerPermissions(undefined, [hash]), undefined);
  assertEquals(workerPermissions("inherit", [hash]), undefined);
});

Deno.test("workerPermissions() adds leave to read the tasks' folders, and nothing else", () => {
  assertEquals(workerPermissions("none", [hash, remote]), { read: ["/jobs/"] });
  assertEquals(workerPermissions({ net: ["a"], read: ["/data"] }, [hash]), {
    net: ["a"],
    read: ["/data", "/jobs/"],
  });
  assertEquals(workerPermissions({ read: true }, [hash]), { read: true });
});

Deno.test("mayImport() asks for a new thread where a task's folder may not be read", () => {
  assertEquals(mayImport("none", [hash], { ...hash, export: "again" }), true);
  assertEquals(mayImport("none", [hash], other), false);
  assertEquals(mayImport("none", [], remote), true);
  assertEquals(mayImport(undefined, [], other), true);
  assertEquals(mayImport({ read: true }, [], other), true);
});
