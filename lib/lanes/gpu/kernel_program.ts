/**
 * A kernel that is compiled for a GPU. It computes pieces to their end in dispatches that are short enough to
 * stop between two of them.
 */

import { shown } from "../attempt.ts";
import type { Device } from "../lane.ts";
import type { Kernel } from "../task.ts";

/** Target duration of a dispatch, in milliseconds: long against its own cost, short against a deadline. */
export const DISPATCH_MS = 30;
/** Steps of all pieces together in the first dispatch, and how many times larger the next may be at most. */
const FIRST_STEPS = 1024;
const GROWTH = 8;
/** Pieces are gathered for this many dispatches: reading results takes 10 ms, and memory costs time, too. */
const LEAST_DISPATCHES = 2;
/** With fewer pieces than this, a graphics card would be mostly idle. */
const LEAST_PIECES = 8192;
const MOST_PIECES = 1 << 18;
/** Invocations in a group: the number that a card runs in lockstep, or that a CPU's vector holds. */
const CARD_GROUP = 64;
const SOFTWARE_GROUP = 8;
const WORD_BYTES = 4;
/** Size of a dispatch's parameters: number of pieces, steps they may take, 2, and the mark of ended pieces. */
const EXTENT_BYTES = 16;
/**
 * Mesa's llvmpipe silently ends an invocation's loops after 65,535 iterations. It counts one more for each
 * loop, at most doubling the count.
 */
const MOST_TURNS = 65_535 / 2;
const USUAL_TURNS = 256;
/** Stored instead of a piece's remaining steps if the driver ended its loops. */
export const ENDED_EARLY = 2 ** 32 - 1;

/** Buffers for pieces on the device, and for reading them back. */
interface Buffers {
  readonly words: GPUBuffer;
  readonly copy: GPUBuffer;
  readonly extent: GPUBuffer;
  /** Whether any piece has steps left, and its copies for reading, used in turn by successive dispatches. */
  readonly unended: GPUBuffer;
  readonly told: readonly [GPUBuffer, GPUBuffer];
  readonly bound: GPUBindGroup;
}

export class KernelProgram {
  /** How many pieces fit into this device's buffers, up to a fixed limit. */
  readonly mostPieces: number;
  /** How many pieces run in lockstep: if the driver ends the loops of one, it ends those of all. */
  readonly group: number;
  readonly #gpu: GPUDevice;
  /** How many steps a piece may take in one dispatch. */
  readonly #mostSteps: number;
  /** Free buffers; at most as many as runs took place at the same time. */
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
   * @throws {Error} If its numbers or its WGSL are wrong, with the place, or if its table is too large for the
   * device.
   */
  static async compile(
    device: OpenDevice,
    kernel: Kernel<unknown, unknown>,
  ): Promise<KernelProgram> {
    const { gpu, software } = device;
    checkNumbers(kernel);
    // Put before the kernel's own code, which may be incomplete at its end.
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

  /** Whether this many pieces with this many steps in all are enough to start computing. */
  isEnough(pieces: number, steps: number): boolean {
    return pieces >= this.mostPieces ||
      (pieces >= LEAST_PIECES && steps >= LEAST_DISPATCHES * this.#budget);
  }

  /**
   * Computes pieces to their end, or until they must not go on.
   *
   * @param words All words of all pieces.
   * @param longest The most steps that any piece has.
   * @param goesOn Called between dispatches; false to stop.
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
    // Deno takes 10 ms to learn that a dispatch has ended, so the next one is submitted before that.
    let ended: Promise<unknown> | undefined;
    let haveEnded = false;
    for (let left = longest, turn = 0; left > 0 && !haveEnded && goesOn(); turn++) {
      const wanted = Math.min(left, Math.max(1, Math.floor(this.#budget / pieces)));
      const steps = Math.min(wanted, this.#mostSteps);
      // Before the first dispatch this can be a real number of steps instead of the mark.
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

  /** Advances pieces, if `wanted` is given, and returns the contents of a buffer after that. */
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

  /** Adapts the size of dispatches. A small dispatch says little about how large others may be. */
  #learn(steps: number, tookMs: number): void {
    const wanted = Math.max(1, Math.floor(steps * DISPATCH_MS / tookMs));
    if (tookMs > DISPATCH_MS) this.#budget = wanted;
    else if (2 * steps > this.#budget) this.#budget = Math.min(wanted, GROWTH * this.#budget);
  }

  /** Free buffers for this many bytes of words. */
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

/** Otherwise the driver would end the program for pieces of 0 words, or the compiler blame the WGSL. */
function checkNumbers({ words, turns = USUAL_TURNS }: Kernel<unknown, unknown>): void {
  for (const [name, value] of Object.entries({ words, turns })) {
    if (Number.isSafeInteger(value) && value > 0) continue;
    throw new RangeError(`its ${name} must be a whole number from 1, but is ${shown(value)}`);
  }
}

/** The table that pieces may read; at least one word, because buffers can't be empty. */
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

/** The compiler's message for a kernel that declares one of these names again. */
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

/** A compiler message without the code excerpt that it contains. */
function oneLine(message: string): string {
  return message.trim().split("\n").map((line) => line.trim())
    .filter((line, at) => at === 0 || line.startsWith("= "))
    .map((line) => line.replace(/^= |^Shader .*? error: /, ""))
    .join(": ");
}

/** An open adapter of WebGPU: a GPU, or software that computes on this machine's CPU cores. */
interface OpenDevice extends Device {
  readonly gpu: GPUDevice;
}

/** Names of software adapters: Mesa's, Google's and Microsoft's. */
const SOFTWARE = /llvmpipe|lavapipe|swiftshader|basic render|\bwarp\b|software/i;

/**
 * Opens the fastest adapter.
 *
 * @param webgpu The platform's own unless given.
 * @throws {Error} If there is no adapter, with what to install.
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
