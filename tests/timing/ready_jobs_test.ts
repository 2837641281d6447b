import { assertEquals } from "@std/assert";
import { CPU_TASKS } from "../../lib/tasks/catalogue.ts";
import { computingJob, savingJob } from "../../lib/timing/ready_jobs.ts";

Deno.test("a ready-made job is named by what it does, and its size", () => {
  const names = Object.values(CPU_TASKS).map((task) => {
    const start = task.name.startsWith("fib") ? 40 : 1000;
    return computingJob(task, { start, count: 2 }).name;
  });
  assertEquals(names.toSorted(), [
    "fib(40), 2 times",
    "fib-async(40), 2 times",
    "mandelbrot, 1000 × 2 pixels",
    "primes from 1,000",
    "sha256 of 1,000 bytes",
    "sum-squares from 1,000",
  ]);
  assertEquals(savingJob("folder", 3).name, "save 3 files");
});
