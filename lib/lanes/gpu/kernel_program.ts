/**
 * A kernel that was compiled for a GPU: takes pieces to their end, in dispatches that are short enough
 * to stop between two of them.
 */

import { shown } from "../attempt.ts";
import type { Device } from "../lane.ts";
import type { Kernel } from "../task.ts";

/** How long a dispatch is to take, in milliseconds: long against its cost, short against a deadline. */
export const DISPATCH_MS = 30;
/** The first dispatch has so many steps of pieces together, and none has many times those before. */
const FIRST_STEPS = 1024;
const GROWTH = 8;
/** What is computed together takes so many dispatches: reading it takes 10 ms, and memory costs time too. */
const LEAST_DISPATCHES = 2;
/** With fewer pieces than this at a time a card would have little to do. */
const LEAST_PIECES = 8192;
const MOST_PIECES = 1 << 18;
/** Invocations in a group: what a card runs in step, and what a CPU's vector holds. */
const CARD_GROUP = 64;
const SOFTWARE_GROUP = 8;
const WORD_BYTES = 4;
/** What a dispatch is told: how many pieces there are, how many steps they may take, 2, and which are over. */
const EXTENT_BYTES = 16;
/**
 * Mesa's llvmpipe ends an invocation's loops after 65,535 turns, without a word; it counts one more for
 * each loop, which is not more than the loop has.
 */
const MOST_TURNS = 65_535 / 2;
const USUAL_TURNS = 256;
/** What is left in place of a piece's steps if its loops were ended. */
export const ENDED_EARLY = 2 ** 32 - 1;

/** Where pieces lie on the device, and where they are read. */
interface Buffers {
  readonly words: GPUBuffer;
  readonly copy: GPUBuffer;
  readonly extent: GPUBuffer;
  /** Whether a piece is still to go on, and where that is read: of two dispatches in turn. */
  readonly unended: GPUBuffer;
  readonly told: readonly [GPUBuffer, GPUBuffer];
  readonly bound: GPUBindGroup;
}

export class KernelProgram {
  /** How many pieces fit into this device's buffers, and are worth while. */
  readonly mostPieces: number;
  /** How many pieces are computed in step: if the driver ends one's loops, those of all. */
  readonly group: number;
  readonly #gpu: GPUDevice;
  /** How many steps a piece may take in one dispatch. */
  readonly #mostSteps: number;
  /** As many as there were runs at once. */
  readonly #idle: Buffers[] = [];
  /** How many steps, of all pieces together, a dispatch may have. */
  #budget = FIRST_STEPS;

  private constructor(
    { gpu, software }: OpenDevice,
    readonly kernel: Kernel<unknown, unknown>,
    private readonly pipeline: GPUComputePipeline,
    private readonly layout: GPUBindGroupLayout,
    private readonly table: GPUBuffer,
  ) {
    const mostBytes = mostBytesOf(gpu);
    this.mostPieces = Math.min(MOST_PIECES, Math.floor(mostBytes / (WORD_BYTES * kernel.words)));
    if (this.mostPieces < 1) throw tooLarge(`a piece of ${kernel.words} words`, mostBytes);
    this.#gpu = gpu;
    this.group = software ? SOFTWARE_GROUP : CARD_GROUP;
    const { turns = USUAL_TURNS } = kernel;
    this.#mostSteps = software ? Math.max(1, Math.floor((MOST_TURNS - 2) / turns)) : Infinity;
  }

  /**
   * Compiles a kernel.
   *
   * @throws {Error} If its numbers or its WGSL are wrong, which says where, or its table too large for
   * the device.
   */
  static async compile(
    device: OpenDevice,
    kernel: Kernel<unknown, unknown>,
  ): Promise<KernelProgram> {
    const { gpu, software } = device;
    checkNumbers(kernel);
    // Before the kernel's own code, whose end may be missing.
    const around = declarations(kernel.words, software ? SOFTWARE_GROUP : CARD_GROUP);
    const code = `${around}\n${kernel.wgsl}`;
    gpu.pushErrorScope("validation");
    const module = gpu.createShaderModule({ code });
    const { messages } = await module.getCompilationInfo();
    const wrong = await gpu.popErrorScope();
    const first = messages.find(({ type }) => type === "error");
    if (first !== undefined) {
      const line = first.lineNum - around.split("\n").length;
      const where = TAKEN.test(first.message)
        ? "words, table, extent, Extent, unended and main are names of what is declared for it"
        : line > 0
        ? `line ${line}, column ${first.linePos}`
        : "it needs a whole function advance(at: u32, steps: u32)";
      throw new Error(`${where}: ${oneLine(first.message)}`);
    }
    if (wrong !== null) throw new Error(oneLine(wrong.message));
    const words = tableOf(kernel);
    const mostBytes = mostBytesOf(gpu);
    if (words.byteLength > mostBytes) throw tooLarge(`a table of ${words.length} words`, mostBytes);
    const table = gpu.createBuffer({
      size: words.byteLength,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    });
    gpu.queue.writeBuffer(table, 0, words);
    const layout = gpu.createBindGroupLayout({
      entries: (["storage", "read-only-storage", "uniform", "storage"] as const).map(
        (type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } }),
      ),
    });
    const pipeline = await gpu.createComputePipelineAsync({
      layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: "main" },
    });
    return new KernelProgram(device, kernel, pipeline, layout, table);
  }

  /** Whether pieces that take so many steps together are enough to be computed. */
  isEnough(pieces: number, steps: number): boolean {
    return pieces >= this.mostPieces ||
      (pieces >= LEAST_PIECES && steps >= LEAST_DISPATCHES * this.#budget);
  }

  /**
   * Takes pieces to their end, the longest of which has so many steps at most, or until they are not to
   * go on.
   *
   * @param words All words of all pieces.
   * @param goesOn Asked between dispatches.
   * @returns The words in the end.
   * @throws If the device fails.
   */
  async run(
    words: Uint32Array<ArrayBuffer>,
    longest: number,
    goesOn: () => boolean,
  ): Promise<Uint32Array<ArrayBuffer>> {
    if (longest === 0) return words;
    const pieces = words.length / this.kernel.words;
    const buffers = this.#take(words.byteLength);
    this.#gpu.queue.writeBuffer(buffers.words, 0, words);
    const all = { from: buffers.words, to: buffers.copy, bytes: words.byteLength };
    let results: Promise<Uint32Array<ArrayBuffer>> | undefined;
    // Learning that a dispatch has ended takes Deno 10 ms: the next one is on its way by then.
    let ended: Promise<unknown> | undefined;
    let haveEnded = false;
    for (let left = longest, turn = 0; left > 0 && !haveEnded && goesOn(); turn++) {
      const wanted = Math.min(left, Math.max(1, Math.floor(this.#budget / pieces)));
      const steps = Math.min(wanted, this.#mostSteps);
      // So many steps may be meant, until some were taken.
      const isMeant = left === ENDED_EARLY;
      const times = isMeant ? 1 : Math.ceil(wanted / steps);
      left -= times * steps;
      const extent = Uint32Array.of(pieces, steps, 2, isMeant ? 0 : ENDED_EARLY);
      const unended = { from: buffers.unended, to: buffers.told[turn % 2]!, bytes: WORD_BYTES };
      const startedMs = performance.now();
      const seen = this.#submit(buffers, left > 0 ? unended : all, { extent, times });
      if (left <= 0) results = seen;
      const learned = seen.then(([first]) => {
        this.#learn(pieces * steps * times, performance.now() - startedMs);
        haveEnded ||= first === 0;
      });
      await ended;
      ended = learned;
    }
    const [read] = await Promise.all([results ?? this.#submit(buffers, all), ended]);
    this.#idle.push(buffers);
    return read;
  }

  /** Advances pieces, if that is wanted, and gives what a buffer holds then. */
  async #submit(
    { extent, unended, bound }: Buffers,
    { from, to, bytes }: { from: GPUBuffer; to: GPUBuffer; bytes: number },
    wanted?: { extent: Uint32Array<ArrayBuffer>; times: number },
  ): Promise<Uint32Array<ArrayBuffer>> {
    const { queue } = this.#gpu;
    const encoder = this.#gpu.createCommandEncoder();
    if (wanted !== undefined) {
      queue.writeBuffer(extent, 0, wanted.extent);
      queue.writeBuffer(unended, 0, new Uint32Array(1));
      const pass = encoder.beginComputePass();
      pass.setPipeline(this.pipeline);
      pass.setBindGroup(0, bound);
      for (let time = 0; time < wanted.times; time++) {
        pass.dispatchWorkgroups(Math.ceil(wanted.extent[0]! / this.group));
      }
      pass.end();
    }
    encoder.copyBufferToBuffer(from, 0, to, 0, bytes);
    queue.submit([encoder.finish()]);
    await to.mapAsync(GPUMapMode.READ, 0, bytes);
    const words = new Uint32Array(to.getMappedRange(0, bytes)).slice();
    to.unmap();
    return words;
  }

  /** A dispatch of so many steps took so long: a small one says little of how large others may be. */
  #learn(steps: number, tookMs: number): void {
    const wanted = Math.max(1, Math.floor(steps * DISPATCH_MS / tookMs));
    if (tookMs > DISPATCH_MS) this.#budget = wanted;
    else if (2 * steps > this.#budget) this.#budget = Math.min(wanted, GROWTH * this.#budget);
  }

  /** Buffers that nobody uses, for so many bytes of words. */
  #take(bytes: number): Buffers {
    const idle = this.#idle.pop();
    if (idle !== undefined && idle.words.size >= bytes) return idle;
    if (idle !== undefined) {
      const { words, copy, extent, unended, told } = idle;
      for (const buffer of [words, copy, extent, unended, ...told]) buffer.destroy();
    }
    const { STORAGE, UNIFORM, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
    const make = (size: number, usage: number) => this.#gpu.createBuffer({ size, usage });
    const size = Math.min(2 ** Math.ceil(Math.log2(bytes)), mostBytesOf(this.#gpu));
    const words = make(size, STORAGE | COPY_SRC | COPY_DST);
    const copy = make(size, MAP_READ | COPY_DST);
    const extent = make(EXTENT_BYTES, UNIFORM | COPY_DST);
    const unended = make(WORD_BYTES, STORAGE | COPY_SRC | COPY_DST);
    const told = () => make(WORD_BYTES, MAP_READ | COPY_DST);
    const bound = this.#gpu.createBindGroup({
      layout: this.layout,
      entries: [words, this.table, extent, unended].map((buffer, binding) => ({
        binding,
        resource: { buffer },
      })),
    });
    return { words, copy, extent, unended, told: [told(), told()], bound };
  }
}

/** The driver would end the program for a piece without words, and the compiler blame the kernel's code. */
function checkNumbers({ words, turns = USUAL_TURNS }: Kernel<unknown, unknown>): void {
  for (const [name, value] of Object.entries({ words, turns })) {
    if (Number.isSafeInteger(value) && value > 0) continue;
    throw new RangeError(`its ${name} must be a whole number from 1, but is ${shown(value)}`);
  }
}

/** What pieces may read: a word at least, as no buffer is empty. */
function tableOf({ table }: Kernel<unknown, unknown>): Uint32Array<ArrayBuffer> {
  if (table === undefined) return new Uint32Array(1);
  if (typeof table !== "function") {
    throw new TypeError(`its table must be a function that makes it, but is ${shown(table)}`);
  }
  const words = table();
  if (!(words instanceof Uint32Array)) {
    throw new TypeError(`table() must give a Uint32Array, but gave ${shown(words)}`);
  }
  return words.length === 0 ? new Uint32Array(1) : words;
}

/** What the compiler says of a kernel that declares once more what it needs. */
const TAKEN = /redefinition of `(words|table|extent|Extent|unended|main)`/;

function declarations(words: number, group: number): string {
  return `
@group(0) @binding(0) var<storage, read_write> words: array<u32>;
@group(0) @binding(1) var<storage, read> table: array<u32>;
struct Extent { pieces: u32, steps: u32, two: u32, over: u32 }
@group(0) @binding(2) var<uniform> extent: Extent;
@group(0) @binding(3) var<storage, read_write> unended: atomic<u32>;
@compute @workgroup_size(${group})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let at = id.x * ${words}u;
  if (id.x >= extent.pieces || words[at] == 0u || words[at] == extent.over) { return; }
  advance(at, min(extent.steps, words[at]));
  // A loop that should turn twice tells whether those before were ended by the driver.
  var turns = 0u;
  while (turns < extent.two) { turns++; }
  if (turns != 2u) { words[at] = ${ENDED_EARLY}u; }
  else if (words[at] != 0u) { atomicStore(&unended, 1u); }
}`;
}

function mostBytesOf(
  { limits: { maxBufferSize, maxStorageBufferBindingSize } }: GPUDevice,
): number {
  return Math.min(maxBufferSize, maxStorageBufferBindingSize);
}

function tooLarge(what: string, mostBytes: number): Error {
  return new Error(
    `${what} does not fit into this adapter's buffers, which hold ${mostBytes} bytes at most`,
  );
}

/** What a compiler says, without the code that it draws beside it. */
function oneLine(message: string): string {
  return message.trim().split("\n").map((line) => line.trim())
    .filter((line, at) => at === 0 || line.startsWith("= "))
    .map((line) => line.replace(/^= |^Shader .*? error: /, ""))
    .join(": ");
}

/** The GPU that WebGPU gives, opened: one, or a program that computes on this machine's own cores. */
interface OpenDevice extends Device {
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
