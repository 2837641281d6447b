import { assertEquals, assertRejects } from "@std/assert";
import { openDevice } from "../../../lib/lanes/gpu/kernel_program.ts";

/** A platform with one adapter that has this info. */
function platformWith(info: Partial<GPUAdapterInfo>): { requestAdapter(): Promise<GPUAdapter> } {
  const adapter = {
    info: { vendor: "", architecture: "", device: "", description: "", ...info },
    limits: { maxBufferSize: 1, maxStorageBufferBindingSize: 1 },
    requestDevice: () => Promise.resolve({}),
  };
  return { requestAdapter: () => Promise.resolve(adapter as unknown as GPUAdapter) };
}

Deno.test("without an adapter it is said what is missing and how to get it", async () => {
  const error = await assertRejects(() =>
    openDevice({ requestAdapter: () => Promise.resolve(null) })
  );
  assertEquals(
    (error as Error).message,
    "found no GPU adapter; install the driver of a graphics card with Vulkan or Metal, or one in " +
      "software (Debian: apt-get install mesa-vulkan-drivers)",
  );
});

Deno.test("a driver in software is told from a card", async () => {
  const isSoftware = async (info: Partial<GPUAdapterInfo>) =>
    (await openDevice(platformWith(info))).software;
  assertEquals(await isSoftware({ description: "llvmpipe (LLVM 15.0.6, 256 bits)" }), true);
  assertEquals(await isSoftware({ device: "SwiftShader Device (LLVM 10.0.0)" }), true);
  assertEquals(await isSoftware({ description: "Microsoft Basic Render Driver" }), true);
  assertEquals(await isSoftware({ isFallbackAdapter: true }), true);
  assertEquals(await isSoftware({ description: "NVIDIA GeForce RTX 4090" }), false);
  assertEquals(await isSoftware({ description: "AMD Radeon Graphics (RADV WARPATH)" }), false);
});

Deno.test("an adapter is called what its driver calls it, or by what else there is", async () => {
  const nameOf = async (info: Partial<GPUAdapterInfo>) =>
    (await openDevice(platformWith(info))).name;
  assertEquals(await nameOf({ vendor: "v", device: "d", description: "a card" }), "a card");
  assertEquals(await nameOf({ vendor: "v", device: "d" }), "d");
  assertEquals(await nameOf({}), "a GPU without a name");
});
