import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { BytesItem } from "./fault_tasks.ts";
import {
  faultTask,
  type Guarantee,
  numbers,
  taskNamed,
  taskOf,
  THREADS_ONLY,
} from "./guarantee.ts";

/** The size in bytes from which a returned buffer moves instead of being copied. */
const LARGE = 1 << 16;

function bytesOf(n: number, length = 4): Uint8Array {
  return new Uint8Array(length).fill(n);
}

export const TRANSFER: readonly Guarantee[] = [
  {
    name: "with transfer, nothing is lost of a batch whose rest is given back",
    notFor: THREADS_ONLY,
    async check({ open }) {
      await using executor = open({ slots: 1 });
      for (const length of [4, LARGE]) {
        const count = length === LARGE ? 60 : 1200;
        const items = numbers(count).map((n): BytesItem => ({
          bytes: bytesOf(n % 251, length),
          ...(n % (count / 3) === 7 && { does: "spin" }),
        }));
        const values = await executor.map(faultTask("firstByte"), items, { transfer: true })
          .toArray();
        assertEquals(values, numbers(count).map((n) => [n % 251, length]));
        assertEquals(items.every(({ bytes }) => bytes.length === 0), true);
      }
    },
  },
  {
    name: "with transfer, a crash takes only the item that caused it",
    notFor: THREADS_ONLY,
    async check({ open }) {
      for (const [slots, chunk, length] of [[1, 4, 4], [1, 4, LARGE], [2, 1, LARGE]] as const) {
        await using executor = open({ lanes: 1, slots });
        const items = numbers(6).map((n): BytesItem => ({
          bytes: bytesOf(n, length),
          ...(n === 2 && { does: "exit" }),
        }));
        const outcomes = await executor.mapSettled(faultTask("firstByte"), items, {
          transfer: true,
          chunk,
        }).toArray();
        assertEquals(
          outcomes.map((o) => o.status === "fulfilled" ? o.value[0] : o.ended),
          [0, 1, "crashed", 3, 4, 5],
          `slots ${slots}, chunk ${chunk}, ${length} bytes`,
        );
      }
    },
  },
  {
    name: "with transfer, a retry gets its item",
    notFor: THREADS_ONLY,
    async check({ open }) {
      await using executor = open();
      for (const length of [4, LARGE]) {
        const items = numbers(5).map((n): BytesItem => ({
          bytes: bytesOf(n, length),
          does: "fail once",
        }));
        const outcomes = await executor.mapSettled(faultTask("firstByte"), items, {
          transfer: true,
          retries: { limit: 1, baseMs: 0 },
        }).toArray();
        assertEquals(
          outcomes.map((o) => [o.status === "fulfilled" && o.value[0], o.attempts]),
          numbers(5).map((n) => [n, 2]),
        );
      }
    },
  },
  {
    name: "with transfer, a large buffer moves there and back, and leaves its owner empty",
    notFor: THREADS_ONLY,
    async check({ open }) {
      await using executor = open({ slots: 1 });
      const buffers = numbers(3).map((n) => bytesOf(n, LARGE).buffer as ArrayBuffer);
      const back = await executor.map(
        taskNamed("echo"),
        buffers.map((buffer, n) => ({ n, view: new Uint8Array(buffer) })),
        { transfer: true },
      ).toArray() as { n: number; view: Uint8Array }[];
      assertEquals(buffers.map(({ detached }) => detached), [true, true, true]);
      assertEquals(back.map(({ view }) => [view.length, view[0]]), [
        [LARGE, 0],
        [LARGE, 1],
        [LARGE, 2],
      ]);
    },
  },
  {
    name: "with transfer, what can't move is copied: WebAssembly's memory, an item or a result",
    notFor: THREADS_ONLY,
    async check({ open }) {
      await using executor = open();
      const memory = new WebAssembly.Memory({ initial: 1 });
      new Uint8Array(memory.buffer, 0, 4).fill(7);
      const items: BytesItem[] = [
        { bytes: bytesOf(1, LARGE) },
        { bytes: new Uint8Array(memory.buffer) },
        { bytes: new Uint8Array(memory.buffer, 0, 4) },
        { bytes: bytesOf(3) },
      ];
      for (const chunk of [1, 4] as const) {
        const sent = chunk === 4 ? items.slice(1, 3) : items;
        const values = await executor.map(faultTask("firstByte"), sent, { transfer: true, chunk })
          .toArray();
        assertEquals(values.map(([first]) => first), chunk === 4 ? [7, 7] : [1, 7, 7, 3]);
      }
      const given = await executor.map(
        faultTask("bytesFrom"),
        numbers(4).map((n) => ({ place: "wasm" as const, n })),
        { transfer: true, chunk: 1 },
      ).toArray();
      assertEquals(given.map((bytes) => bytes[0]), [0, 1, 2, 3]);
    },
  },
  {
    name: "with transfer, buffers that others look at too are copied: views, and what a task keeps",
    notFor: THREADS_ONLY,
    async check({ open }) {
      await using executor = open();
      const whole = new Uint8Array(4 * LARGE).map((_, at) => at / LARGE);
      const items = numbers(4).map((n): BytesItem => ({
        bytes: whole.subarray(n * LARGE, (n + 1) * LARGE),
      }));
      const values = await executor.map(faultTask("firstByte"), items, { transfer: true })
        .toArray();
      assertEquals(values, numbers(4).map((n) => [n, LARGE]));
      assertEquals(whole.length, 4 * LARGE);
      const given = await executor.map(
        faultTask("bytesFrom"),
        numbers(4).map((n) => ({ place: "scratch" as const, n })),
        { transfer: true, chunk: 1 },
      ).toArray();
      assertEquals(given.map((bytes) => bytes[0]), [0, 1, 2, 3]);
    },
  },
  {
    name:
      "with transfer, an item on a lane with several slots is still here when another one crashes",
    notFor: THREADS_ONLY,
    async check({ open }) {
      await using executor = open({ lanes: 1, slots: 3 });
      const items = numbers(3).map((n): BytesItem => ({
        bytes: bytesOf(n, LARGE),
        does: n === 2 ? "exit" : "wait once",
      }));
      const outcomes = await executor.mapSettled(faultTask("firstByte"), items, {
        transfer: true,
        chunk: 1,
      }).toArray();
      assertEquals(
        outcomes.map((o) => o.status === "fulfilled" ? o.value[0] : o.ended),
        [0, 1, "crashed"],
      );
    },
  },
  {
    name: "with transfer, an item that can't be sent takes no other item's buffer with it",
    notFor: THREADS_ONLY,
    async check({ open }) {
      await using executor = open();
      const empty = bytesOf(1);
      (empty.buffer as ArrayBuffer).transfer();
      for (const length of [4, LARGE]) {
        const items = [
          { bytes: bytesOf(1, length) },
          { bytes: bytesOf(2, length), page: { render() {} } },
          { bytes: bytesOf(3, length) },
          { bytes: empty },
          { bytes: new Uint8Array(0) },
        ];
        const outcomes = await executor.mapSettled(faultTask("firstByte"), items, {
          transfer: true,
          chunk: 5,
        }).toArray();
        assertEquals(
          outcomes.map((o) => o.status === "fulfilled" ? o.value[0] : o.ended),
          [1, "failed", 3, "failed", undefined],
        );
        const [, unsendable, , moved] = outcomes.map((o) =>
          o.status === "rejected" ? String(o.reason) : ""
        );
        assertStringIncludes(unsendable!, ".page.render is a function");
        assertStringIncludes(moved!, "item 3");
        assertStringIncludes(moved!, "its buffer was moved away");
      }
      assert(empty.length === 0);
    },
  },
  {
    name: "with transfer, what a lane shares and sets up stays there when a task gives it back",
    notFor: THREADS_ONLY,
    async check({ open }) {
      const shared = { tables: [bytesOf(3, LARGE)] };
      await using executor = open({ lanes: 1, slots: 1, shared });
      const code = `
        export const setup = () => new Uint8Array(${LARGE}).fill(4);
        const what = (n, { shared, resource }) => n % 2 ? shared.tables[0] : resource;
        export default what;
        export const later = async (n, context) => ({ bytes: what(n, context) });`;
      for (const name of ["default", "later"]) {
        for (const chunk of [1, 4]) {
          const options = { transfer: true, chunk };
          const values = await executor.map(taskOf(code, name), numbers(8), options).toArray();
          assertEquals(
            values.map((of) => (of as { bytes?: Uint8Array }).bytes ?? of as Uint8Array)
              .map((bytes) => [bytes[0], bytes.length]),
            numbers(8).map((n) => [n % 2 ? 3 : 4, LARGE]),
            `${name}, chunk ${chunk}`,
          );
        }
      }
    },
  },
  {
    name: "with transfer, what tasks put into their lane's resource stays there too",
    notFor: THREADS_ONLY,
    async check({ open }) {
      const given = taskOf(`
        export const setup = () => new Map();
        export default (n, { resource }) =>
          resource.getOrInsertComputed(n, () => new Uint8Array(${LARGE}).fill(n));`);
      const unreadable = taskOf(`
        export const setup = () => ({ get broken() { throw 1; }, bytes: new Uint8Array(${LARGE}) });
        export default (n, { resource }) => resource.bytes.fill(n);`);
      await using executor = open({ lanes: 1, slots: 1 });
      const items = [1, 2, 1, 2, 2];
      for (const task of [given, unreadable]) {
        const options = { transfer: true, chunk: 1 };
        const values = await executor.map(task, items, options).toArray() as Uint8Array[];
        assertEquals(values.map((bytes) => [bytes[0], bytes.length]), items.map((n) => [n, LARGE]));
      }
    },
  },
  {
    name: "with transfer and retries, items that look at one buffer keep it until all have ended",
    notFor: THREADS_ONLY,
    async check({ open }) {
      await using executor = open({ lanes: 1, slots: 1 });
      const bytes = bytesOf(5, LARGE);
      const items = numbers(3).map((n): BytesItem => ({
        bytes,
        ...(n !== 1 && { does: "fail once" }),
      }));
      const values = await executor.map(faultTask("firstByte"), items, {
        transfer: true,
        retries: { limit: 1, baseMs: 0 },
      }).toArray();
      assertEquals(values, numbers(3).map(() => [5, LARGE]));
      assertEquals(bytes.length, LARGE);
    },
  },
];
