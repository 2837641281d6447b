/** Checks that each kernel gives bit by bit the same as its task's function, at random sizes. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../properties.ts";
import { KernelProgram, openDevice } from "../../lib/lanes/gpu/kernel_program.ts";
import { KernelRun } from "../../lib/lanes/gpu/kernel_run.ts";
import type { Kernel, TaskFunction } from "../../lib/lanes/task.ts";
import type { Report } from "../../lib/lanes/lane.ts";
import { CPU_TASKS } from "../../lib/tasks/catalogue.ts";
import mandelbrot, { kernel as mandelbrotKernel } from "../../lib/tasks/mandelbrot.ts";
import primes, { kernel as primesKernel, PRIMES_LIMIT } from "../../lib/tasks/primes.ts";
import sha256, { kernel as sha256Kernel } from "../../lib/tasks/sha256.ts";
import sumSquares, {
  kernel as sumSquaresKernel,
  SUM_SQUARES_LIMIT,
} from "../../lib/tasks/sum_squares.ts";
import { hasAdapter } from "../gpu_adapter.ts";
import { granted } from "../granted.ts";
import { batchOf } from "../lanes/batch.ts";
import { contextOf } from "./context.ts";

const SIZES = 1_000;
const SEED = 12;

/** Runs items on this machine's adapter, all in one batch. */
async function onGpu<Item>(kernel: Kernel<Item, unknown>, items: readonly Item[]) {
  const device = await openDevice();
  const program = await KernelProgram.compile(device, kernel as Kernel<unknown, unknown>);
  const report = await new Promise<Report>((resolve, reject) => {
    const host = { report: (_: unknown, report: Report) => resolve(report) };
    new KernelRun(batchOf(items), program, host, reject).start();
  });
  device.gpu.destroy();
  assertEquals(report.failures, undefined);
  return Array.from(report.values!);
}

/** Compares a kernel with its function on many items: the given edge cases, and random ones. */
function equal<Item>(
  name: string,
  fn: TaskFunction<Item, unknown>,
  kernel: Kernel<Item, unknown>,
  edges: readonly Item[],
  others: fc.Arbitrary<Item>,
): void {
  Deno.test({
    name: `${name}: a GPU gives the same as the function, at ${SIZES} sizes`,
    ignore: !hasAdapter,
    async fn() {
      const items = [...edges, ...fc.sample(others, { numRuns: SIZES, seed: SEED })];
      const results = await onGpu(kernel, items);
      for (const [at, item] of items.entries()) {
        assertEquals(results[at], fn(item, contextOf()), JSON.stringify(item, String));
      }
    },
  });
}

equal(
  "sumSquares()",
  sumSquares,
  sumSquaresKernel,
  [0, 1, 2, 31, 32, 127, 128, 129, 8_191, 8_192, 8_193, 300_081, 5_000_000, 94_906_267, 100_000n],
  fc.oneof(fc.nat(600), fc.nat(100_000), fc.integer({ min: 0, max: 1_000_000 })),
);

equal(
  "primes()",
  primes,
  primesKernel,
  [0, 1, 2, 3, 4, 5, 9, 10, 25, 26, 8_192, 16_384, 16_385, 16_386, 5_000_000, 9_000_000],
  fc.oneof(fc.nat(20_000), fc.nat(300_000)),
);

equal(
  "mandelbrot()",
  mandelbrot,
  mandelbrotKernel,
  [
    { row: 0, width: 1, height: 1 },
    { row: 0, width: 1, height: 65_535 },
    { row: 100, width: 300, height: 200 },
    { row: 33_333, width: 300, height: 65_535 },
    { row: 2, width: 40, height: 5, maxSteps: 1 },
    { row: 1_499, width: 3_000, height: 3_000, maxSteps: 50 },
  ],
  fc.record({
    row: fc.nat(99),
    width: fc.integer({ min: 1, max: 200 }),
    height: fc.integer({ min: 100, max: 300 }),
    maxSteps: fc.integer({ min: 1, max: 300 }),
  }),
);

equal(
  "sha256()",
  sha256,
  sha256Kernel,
  [...Array.from({ length: 130 }, (_, bytes) => ({ seed: bytes, bytes })), {
    seed: 2 ** 32 - 1,
    bytes: 65_536,
  }],
  fc.record({ seed: fc.nat(2 ** 32 - 1), bytes: fc.nat(5_000) }),
);

Deno.test({
  name: "kernels are right at the greatest sizes, of which the last pieces are looked at",
  ignore: !hasAdapter,
  async fn() {
    // The whole sum would take minutes, so the kernel computes only the last pieces.
    const item = sumSquaresKernel.open(SUM_SQUARES_LIMIT);
    const words = new Uint32Array(sumSquaresKernel.words);
    item.write(item.pieces - 1, words, 0);
    const terms = 8_192; // of each piece
    const first = BigInt(SUM_SQUARES_LIMIT - terms);
    const tail: Kernel<number, bigint> = {
      ...sumSquaresKernel,
      open: () => ({
        pieces: 1,
        write: (_, words, at) => item.write(item.pieces - 1, words, at),
        read: (_, words, at) => item.read(0, words, at),
        result: () => item.result(),
      }),
    };
    let expected = 0n;
    for (let i = first; i < BigInt(SUM_SQUARES_LIMIT); i++) expected += i * i;
    assertEquals(await onGpu(tail, [1]), [expected]);

    const sieve = primesKernel.open(PRIMES_LIMIT);
    const ends = await onGpu<number>({
      ...primesKernel,
      open: () => ({
        ...sieve,
        pieces: 1,
        write: (_, words, at) => sieve.write(sieve.pieces - 1, words, at),
      }),
    }, [1]);
    assertEquals(ends, [primesBetween(PRIMES_LIMIT - 16_384, PRIMES_LIMIT)]);
  },
});

/** The number of primes from an even number to below another. */
function primesBetween(from: number, to: number): number {
  const divisors = primesKernel.table!();
  let count = 0;
  for (let n = from + 1; n < to; n += 2) if (!divisors.some((p) => n % p === 0)) count++;
  return count;
}

Deno.test("kernels refuse what their functions refuse, with the same words", () => {
  const cases: [TaskFunction<never, unknown>, Kernel<never, unknown>, unknown][] = [
    [sumSquares, sumSquaresKernel, -1],
    [sumSquares, sumSquaresKernel, "5"],
    [primes, primesKernel, 1.5],
    [mandelbrot, mandelbrotKernel, { row: 8, width: 8, height: 8 }],
    [sha256, sha256Kernel, { seed: -1, bytes: 0 }],
  ];
  for (const [fn, kernel, item] of cases) {
    const expected = assertThrows(() => fn(item as never, contextOf()), Error);
    assertEquals(assertThrows(() => kernel.open(item as never), Error).message, expected.message);
  }
});

Deno.test({
  name: "the catalogue knows which tasks have kernels",
  ignore: !granted("read"),
  async fn() {
    for (const { module, hasKernel, name } of Object.values(CPU_TASKS)) {
      assert("kernel" in await import(module) === hasKernel, name);
    }
  },
});
