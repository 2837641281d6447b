import { assertEquals } from "@std/assert";
import { describeEnvironment } from "../../lib/timing/environment.ts";

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
