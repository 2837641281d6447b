import { assertEquals } from "@std/assert";
import { BEAT_MS, queueOf, Subject } from "../../../lib/lanes/cluster/broker.ts";
import { JoinedMachine } from "../../../lib/lanes/cluster/machine.ts";
import { eventually } from "../../conformance/gates.ts";
import { FakeServer } from "./fake_server.ts";

Deno.test("no lane is started for a job that is lost while its modules are looked for", async () => {
  const server = new FakeServer();
  const gate = Promise.withResolvers<void>();
  const { lstat } = Deno;
  Deno.lstat = async () => {
    await gate.promise;
    throw new Deno.errors.NotFound();
  };
  try {
    await using machine = new JoinedMachine(server.connect(), {
      name: "slow",
      lanes: 1,
      slots: 1,
      allowed: { roots: ["/jobs"], data: false },
      permissions: {},
      silenceMs: BEAT_MS / 2,
      threads: false,
      onRefused: () => {},
    });
    const broker = server.connect();
    await broker.createQueue(queueOf("job"), [Subject.to("job", "*")], "job");
    const modules = [{ module: "file:///jobs/job.ts", digest: "a" }];
    const request = { job: "job", lane: 1, slots: 1, modules, insists: true };
    const asked = broker.ask(Subject.lease(machine.id), request, 0);
    await eventually(() => machine.state.jobs === 0, "the job counts as lost");
    gate.resolve();
    assertEquals(await asked, { refused: "its job is gone", forModule: false });
  } finally {
    Deno.lstat = lstat;
  }
});
