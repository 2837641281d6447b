/**
 * The GPU that WebGPU gives: which one it is, and whether it is one at all or a program that computes
 * on this machine's own cores.
 */

import type { Device } from "../lane.ts";

/** A GPU that was opened. */
export interface OpenDevice extends Device {
  readonly gpu: GPUDevice;
}

/** Adapters that are programs: Mesa's, Google's and Microsoft's. */
const SOFTWARE = /llvmpipe|lavapipe|swiftshader|basic render|\bwarp\b|software/i;

/**
 * Opens the fastest adapter.
 *
 * @param webgpu The platform's own unless given.
 * @throws {Error} If there is none, which says what is missing.
 */
export async function openDevice(
  webgpu: Pick<GPU, "requestAdapter"> | undefined = navigator.gpu,
): Promise<OpenDevice> {
  const adapter = await webgpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) {
    throw new Error(
      "found no GPU adapter; install the driver of a graphics card with Vulkan or Metal, or one in " +
        "software (Debian: apt-get install mesa-vulkan-drivers)",
    );
  }
  const { info, limits: { maxBufferSize, maxStorageBufferBindingSize } } = adapter;
  const name = info.description || info.device || info.vendor || "a GPU without a name";
  return {
    name,
    software: info.isFallbackAdapter || SOFTWARE.test(`${info.vendor} ${info.device} ${name}`),
    gpu: await adapter.requestDevice({
      requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
    }),
  };
}
