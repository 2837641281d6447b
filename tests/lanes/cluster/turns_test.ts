import { assert, assertEquals } from "@std/assert";
import fc from "../../properties.ts";
import { Turns } from "../../../lib/lanes/cluster/turns.ts";

interface Lane {
  readonly job: string;
  readonly name: string;
}

const lane = (job: string, at: number): Lane => ({ job, name: `${job}${at}` });

Deno.test("a single job has all turns at once, and as many batches on a lane as it likes", () => {
  const turns = new Turns<Lane>(2);
  const started: string[] = [];
  for (const  of of[lane("a", 0), lane("a", 1)]) {
    for (let batch = 0; batch < 3; batch++) turns.enter("a", of, () => started.push(of.name));
  }
  assertEquals(started, ["a0", "a0", "a0", "a1", "a1", "a1"]);
});

Deno.test("jobs that want more than there is take turns, however many lanes each has", () => {
  const turns = new Turns<Lane>(1);
  const started: string[] = [];
  const many = [0, 1, 2].map((at) => lane("a", at));
  const one = lane("b", 0);
  const want = (of: Lane) => turns.enter(of.job, of, () => started.push(of.name));
  const [first] = many;
  want(first!);
  for (const of of [...many.slice(1), one]) want(of);
  // A lane that has ended a batch wants the next one.
  for (const  of of[first!, many[1]!, one, many[2]!]) {
    turns.leave(of);
    want(of);
  }
  assertEquals(started, ["a0", "a1", "b0", "a2", "b0"]);
});

Deno.test("never more lanes than turns have something to do, and all that waits comes to its turn", () => {
  const step = fc.tuple(
    fc.constantFrom("a", "b", "c"),
    fc.nat({ max: 2 }),
    fc.constantFrom("in", "out", "gone"),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.array(step, { maxLength: 60 }),
      (most, steps) => {
        const turns = new Turns<Lane>(most);
        const lanes = new Map<string, Lane>();
        const running = new Map<Lane, number>();
        let waiting = new Map<Lane, number>();
        const add = (of: Map<Lane, number>, to: Lane, by: number) =>
          of.set(to, (of.get(to) ?? 0) + by);
        const end = (of: Lane) => {
          add(running, of, -1);
          if (running.get(of) === 0) turns.leave(of);
        };
        for (const [job, at, what] of steps) {
          const of = lanes.get(job + at) ?? lane(job, at);
          lanes.set(job + at, of);
          if (what === "in") {
            add(waiting, of, 1);
            turns.enter(job, of, () => {
              add(running, of, waiting.get(of)!);
              waiting.set(of, 0);
            });
          } else if (what === "gone") {
            running.delete(of);
            waiting.delete(of);
            turns.remove(job, of);
          } else if ((running.get(of) ?? 0) > 0) end(of);
          const busy = [...running.values()].filter((count) => count > 0).length;
          assert(busy <= most && busy === turns.active);
        }
        for (let left = 200; left > 0; left--) {
          const of = [...running].find(([, count]) => count > 0)?.[0];
          if (of === undefined) break;
          end(of);
        }
        waiting = new Map([...waiting].filter(([, count]) => count > 0));
        assertEquals([waiting.size, turns.active], [0, 0]);
      },
    ),
    { seed: 11, numRuns: 300 },
  );
});
