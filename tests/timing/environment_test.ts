import { assertEquals } from "@std/assert";
import { describeEnvironment, notesOf } from "../../lib/timing/environment.ts";

Deno.test("describeEnvironment() tells what needs no permission", async () => {
  const environment = await describeEnvironment(5, () => 0);
  assertEquals(environment.seed, 5);
  assertEquals(environment.startedAt, "1970-01-01T00:00:00.000Z");
  assertEquals(environment.deno, Deno.version.deno);
  assertEquals(environment.lanesAvailable, navigator.hardwareConcurrency);
});

Deno.test({
  name: "describeEnvironment() asks for no permission and leaves out what it may not know",
  permissions: "none",
  async fn() {
    const environment = await describeEnvironment(5);
    assertEquals([environment.loadAverage, environment.cpuModel], [undefined, undefined]);
  },
});

Deno.test("describeEnvironment() notes the limit that a meter found", async () => {
  const { notes = [] } = await describeEnvironment(5, () => 0, 1.5);
  assertEquals(notes[0], "A cgroup limits this process to 1.5 CPUs.");
});

Deno.test("notesOf() notes CPUs that may not be used, and a load of more than half of those that may", () => {
  const noted = (...of: Parameters<typeof notesOf>) =>
    notesOf(...of).filter((note) => /^(This process|The load|A cgroup)/.test(note));
  assertEquals(noted(2, 2, 1, undefined), []);
  assertEquals(noted(4, 4, undefined, undefined), []);
  assertEquals(noted(4, 2, 1.1, 1), [
    "A cgroup limits this process to 1 CPU.",
    "This process may use 2 of the machine's 4 CPUs.",
    "The load average was 1.1 at the start: other programs used the CPUs too.",
  ]);
});
