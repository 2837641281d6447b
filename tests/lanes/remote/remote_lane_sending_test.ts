import { assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { CloneError } from "../../../lib/lanes/errors.ts";
import { BATCH_COUNT, FromLane } from "../../../lib/lanes/remote/channel.ts";
import { MOVE_BYTES } from "../../../lib/lanes/remote/buffers.ts";
import { batchOf, settle } from "../batch.ts";
import { readyLane, reportHeadOf } from "./fake_channel.ts";
import { throughPipe, toThread } from "./ways.ts";

Deno.test("items travel together up to a size, and the others come back with the report", () => {
  const { lane, channel } = readyLane();
  const items = Array.from({ length: 5 }, () => "x".repeat(100)); // 200 bytes each
  const [two, one] = [batchOf(items, { mostBytes: 500 }), batchOf(items, { mostBytes: 10 })];
  lane.send(two);
  lane.send(one);
  assertEquals([two.sentCount, one.sentCount], [2, 1]);
  assertEquals(channel.sent.map(({ head }) => head[BATCH_COUNT]), [2, 1]);
  assertEquals(channel.sent.map(({ payload }) => payload), [items.slice(0, 2), items.slice(0, 1)]);
});

/** Items that can't be sent: one is recognized beforehand, the other only by trying. */
const refused: readonly (readonly [name: string, item: unknown, words: string])[] = [
  ["a function", () => 1, "it is a function"],
  ["a proxy", new Proxy({}, {}), "it is an Object that can't be cloned"],
];

for (const [name, item, words] of refused) {
  for (const cloning of [toThread(), throughPipe()]) {
    Deno.test(`items before ${name} travel ${cloning.sharesMemory ? "to a thread" : "through a pipe"} without it`, async () => {
      const { lane, channel, told } = readyLane({ cloning });
      const batch = batchOf(["a", "b", item, "d"]);
      lane.send(batch);
      assertEquals(channel.sent.map(({ payload }) => payload), [["a", "b"]]);
      await settle();
      assertEquals([batch.sentCount, told.reports], [2, []]);
    });

    Deno.test(`${name} that stands first fails ${cloning.sharesMemory ? "to a thread" : "through a pipe"}, unsent, and later`, async () => {
      const { lane, channel, told } = readyLane({ cloning });
      const batch = batchOf([item, "b"]);
      lane.send(batch);
      assertEquals([channel.sent, told.reports], [[], []]);
      await settle();
      const { report } = told.reports[0]!;
      assertEquals([report.count, report.last, report.unsent], [1, true, true]);
      const { reason, offset, ended } = report.failures![0]!;
      assertEquals([offset, ended, batch.sentCount], [0, "failed", 0]);
      assertInstanceOf(reason, CloneError);
      assertStringIncludes(reason.message, "Cannot send item 10 of data:… to another lane: ");
      assertStringIncludes(reason.message, words);
    });
  }
}

Deno.test("items that are more together than a message can hold travel in fewer", () => {
  const clone = (value: unknown) => {
    if (JSON.stringify([value]).length > 100) throw new RangeError("It is too long");
    return structuredClone(value);
  };
  const { lane, channel } = readyLane({ cloning: { ...throughPipe(), clone } });
  const batch = batchOf(Array.from({ length: 8 }, () => "x".repeat(20)));
  lane.send(batch);
  assertEquals([batch.sentCount, channel.sent.map(({ head }) => head[BATCH_COUNT])], [4, [4]]);
});

Deno.test("an item that was refused is not told of once its lane is closed", async () => {
  const { lane, told } = readyLane();
  lane.send(batchOf([() => 1]));
  await lane.close();
  await settle();
  assertEquals(told.reports.length, 0);
});

Deno.test("an item that was refused is not told of once its batch was taken back", async () => {
  const { lane, told } = readyLane();
  const batch = batchOf([() => 1]);
  lane.send(batch);
  assertEquals(lane.recall(batch), true);
  await settle();
  assertEquals(told.reports.length, 0);
});

const large = () => new Uint8Array(MOVE_BYTES);

Deno.test("an item that moves travels alone, and is gone here", () => {
  const { lane, channel } = readyLane();
  const items = [large(), large()];
  const batch = batchOf(items, { movesItems: true });
  lane.send(batch);
  assertEquals([batch.sentCount, batch.moved], [1, true]);
  assertEquals(items.map(({ byteLength }) => byteLength), [0, MOVE_BYTES]);
  assertEquals((channel.sent[0]!.payload as Uint8Array[]).map((item) => item.length), [MOVE_BYTES]);
});

Deno.test("what stands before an item that moves travels without it", () => {
  const { lane } = readyLane();
  const batch = batchOf(["a", new Uint8Array(MOVE_BYTES - 1), large()], { movesItems: true });
  lane.send(batch);
  assertEquals([batch.sentCount, batch.moved], [2, false]);
});

Deno.test("nothing moves unless it may, and nothing to a lane that has another batch", () => {
  const kept = readyLane();
  const stays = batchOf([large(), large()]);
  kept.lane.send(stays);
  assertEquals([stays.sentCount, stays.moved], [2, false]);
  const busy = readyLane();
  busy.lane.send(batchOf([1]));
  const second = batchOf([large(), large()], { movesItems: true });
  busy.lane.send(second);
  assertEquals([second.sentCount, second.moved], [2, false]);
  busy.channel.says(FromLane.report, reportHeadOf(1), [2]);
  busy.channel.says(FromLane.report, reportHeadOf(2), [2]);
  const third = batchOf([large()], { movesItems: true });
  busy.lane.send(third);
  assertEquals(third.moved, true);
});

Deno.test("memory that can't be moved is copied", () => {
  const { lane, channel } = readyLane();
  const item = new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer);
  item[5] = 7;
  const batch = batchOf([item], { movesItems: true });
  lane.send(batch);
  assertEquals([batch.sentCount, batch.moved, item.length], [1, false, 1 << 16]);
  assertEquals((channel.sent[0]!.payload as Uint8Array[])[0]![5], 7);
});

Deno.test("of a view of a large buffer only what it shows is sent to a thread", () => {
  const { lane, channel } = readyLane();
  lane.send(batchOf([new Uint8Array(1 << 20).subarray(1, 3)]));
  const { payload } = channel.sent[0]!;
  const { values } = (payload as { values: { values: Uint8Array[] } }).values;
  assertEquals(values[0]!.buffer.byteLength, 2);
});

Deno.test("the program's own numbers stay where they are, though their packed copy moves", () => {
  const { lane, channel } = readyLane();
  const batch = batchOf(Array.from({ length: 10 }, (_, at) => at), { movesItems: true });
  lane.send(batch);
  assertEquals([batch.moved, batch.sentCount], [false, 10]);
  assertEquals(channel.sent[0]!.payload, Float64Array.from(batch.items as number[]));
});
