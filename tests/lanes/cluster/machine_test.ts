import { assertEquals } from "@std/assert";
import { BEAT_MS, queueOf, Subject } from "../../../lib/lanes/cluster/broker.ts";
import { JoinedMachine } from "../../../lib/lanes/cluster/machine.ts";
import { eventually } from "../../conformance/gates.ts";
import { FakeServer } from "./fake_server.ts";

/** A machine of one lane whose files are looked for only once the gate is open, and then aren't there. */
async function withMachine(
  silenceMs: number,
  use: (
    machine: JoinedMachine,
    lease: (job: string) => Promise<unknown>,
    open: () => void,
  ) => Promise<void>,
): Promise<void> {
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
      silenceMs,
      threads: false,
      onRefused: () => {},
    });
    const broker = server.connect();
    const lease = (job: string) => {
      void broker.createQueue(queueOf(job), [Subject.to(job, "*")], job);
      const modules = [{ module: "file:///jobs/job.ts", digest: "a" }];
      const request = { job, lane: 1, slots: 1, modules, insists: false };
      return broker.ask(Subject.lease(machine.id), request, 0);
    };
    await use(machine, lease, gate.resolve);
  } finally {
    Deno.lstat = lstat;
  }
}

Deno.test("no lane is started for a job that is lost while its modules are looked for", () =>
  withMachine(BEAT_MS / 2, async (machine, lease, open) => {
    const asked = lease("job");
    await eventually(() => machine.state.jobs === 0, "the job counts as lost");
    open();
    assertEquals(await asked, { refused: "its job is gone", forModule: false });
  }));

Deno.test("a machine has lanes of so many jobs and no more, until one has ended", () =>
  withMachine(1_000_000, async (machine, lease, open) => {
    const asked = Array.from({ length: 16 }, (_, job) => lease(`job${job}`));
    assertEquals(machine.state.jobs, 16);
    const refused = "16 other jobs have lanes there, and no more may";
    assertEquals(await lease("another"), { refused, forModule: false });
    assertEquals(await lease("job3"), { refused: "its lane 1 is in use", forModule: false });
    open();
    await Promise.all(asked);
    assertEquals(machine.state.jobs, 0);
    assertEquals((await lease("another") as { forModule: boolean }).forModule, true);
  }));
