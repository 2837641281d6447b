import { assertEquals } from "@std/assert";
import { stateText } from "../../lib/cli/join.ts";
import { JoinedMachine } from "../../lib/lanes/cluster/machine.ts";
import { FakeServer } from "../lanes/cluster/fake_server.ts";

Deno.test("a machine's line says what it does, and while the server doesn't answer, that alone", async () => {
  const server = new FakeServer();
  await using machine = new JoinedMachine(server.connect(), {
    name: "near",
    lanes: 2,
    slots: 1,
    allowed: { roots: [], data: true },
    permissions: {},
    silenceMs: 5000,
    threads: false,
    onRefused: () => {},
  });
  assertEquals(stateText(machine.state, 2, 0), "waits for a job, 0 items done");
  const busy = { ...machine.state, jobs: 2, busy: 1, items: 1500 };
  assertEquals(stateText(busy, 2, 30), "1 of 2 lanes busy for 2 jobs, 1,500 items done, 30.0/s");
  server.isCut = true;
  assertEquals(stateText(machine.state, 2, 30), "the server doesn't answer");
  server.isCut = false;
  assertEquals(stateText(machine.state, 2, 0), "waits for a job, 0 items done");
});
