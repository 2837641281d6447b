/**
 * The channel to a `Deno.Command` subprocess.
 *
 * Running out of memory, an exit or a busy loop end only the child, which can always be killed. It has only the
 * permissions that `permissions` gives.
 */

import { type LanePermissions, permissionFlags } from "../permissions.ts";
import { platform } from "../platform.ts";
import { LEFT_OUT, preloadCode, projectFlags } from "../project.ts";
import { type Channel, type ChannelEvents, FromLane, ToLane } from "../remote/channel.ts";
import type { Cloning } from "../remote/clone.ts";
import { originHere } from "../timers.ts";
import { Child } from "./child.ts";
import {
  cloningThrough,
  decodePayload,
  encodeFrame,
  type Frame,
  GarbageError,
  LARGE_BYTES,
  readFrames,
  type Serializer,
  serializerOf,
  WIDE_FD,
  WIDER,
} from "./frame.ts";

export interface SubprocessOptions {
  readonly slots: number;
  /** The tasks' modules, all of one project; the child can load them because it knows them from its start. */
  readonly modules: readonly string[];
  /** The child's permissions; none unless given. */
  readonly permissions?: LanePermissions | undefined;
  /** Flags for the child's V8, such as `"--max-old-space-size=256"`. */
  readonly v8Flags?: readonly string[] | undefined;
  /** The child's deno.json; the one of the tasks' project unless given. */
  readonly config?: string | undefined;
  /** Where the child's output goes; shown on this program's stderr unless given. */
  readonly stderr?: "show" | "keep" | undefined;
  /** Whether messages are relayed to another machine: then payloads are passed on as frames. */
  readonly isRelayed?: boolean;
}

/** After this many large frames the child opens a descriptor that holds more, which takes it some 15 ms. */
const WIDER_AFTER = 4;
const MAIN = new URL("./subprocess_main.ts", import.meta.url).href;

let v8: Serializer | undefined;
const loaded = () => v8 ??= serializerOf(platform.process.getBuiltinModule("node:v8"));

/**
 * Loaded while the first child starts, or when a value needs it earlier: Deno takes 10 ms to load its first
 * Node module, and programs without subprocesses don't need it.
 */
export const serializer: Serializer = {
  serialize: (value) => loaded().serialize(value),
  deserialize: (bytes) => loaded().deserialize(bytes),
};
export const frameCloning: Cloning = cloningThrough(serializer);

export class SubprocessChannel implements Channel {
  readonly cloning: Cloning = frameCloning;
  readonly cells: undefined;
  readonly stopsByForce = true;
  #child: Child;
  /** Whether the project's lock file has all of the tasks' imports, as far as is known. */
  #isLocked = true;
  #isReady = false;
  #large = 0;
  #closed = false;
  #holds = true;

  /** @throws {LaneStartError} If this program can't start the child. */
  constructor(private readonly events: ChannelEvents, private readonly options: SubprocessOptions) {
    this.#child = this.#start();
  }

  #start(): Child {
    const { slots, permissions = {}, v8Flags = [], config, stderr = "show", modules } =
      this.options;
    const { flags, unlocked } = projectFlags(modules, config);
    const startsPrograms = permissions.run !== undefined && permissions.run !== false;
    const imports = importsOf(modules, permissions);
    const child = new Child({
      args: [
        "--quiet",
        "--no-prompt",
        ...imports === true || imports.length > 0 ? [] : ["--cached-only"],
        ...this.#isLocked ? flags : unlocked,
        ...v8Flags.length > 0 ? [`--v8-flags=${v8Flags.join()}`] : [],
        ...permissionFlags({ ...permissions, import: imports }),
        `--preload=${preloadCode(modules)}`,
        MAIN,
        String(slots),
        // The child's descriptor for frames, if it doesn't use stdin and stdout for them.
        ...startsPrograms ? [String(WIDE_FD)] : [],
      ],
      startsPrograms,
      stderr,
    });
    child.hold(this.#holds);
    void this.#watch(child);
    return child;
  }

  async #watch(child: Child): Promise<void> {
    let garbage: string | undefined;
    void this.#readFrames(child).then((error) => {
      garbage = error;
      if (garbage !== undefined) child.kill();
    });
    const { how, words } = await child.ended;
    if (this.#closed) return;
    const outdated = this.#isLocked && words?.includes("lockfile is out of date") === true;
    if (!this.#isReady && outdated) {
      this.#isLocked = false;
      try {
        this.#child = this.#start();
      } catch (error) {
        this.events.ended((error as Error).message);
      }
    } else {
      const isLeftOut = words?.includes(`Module not found "${MAIN}"`) === true;
      const told = isLeftOut ? `${words} ${LEFT_OUT}` : words;
      this.events.ended(garbage ?? (told === undefined ? how : `${how}; it said: ${told}`));
    }
  }

  /** Reads frames to the end; returns what is wrong if the bytes aren't frames. */
  async #readFrames(child: Child): Promise<string | undefined> {
    v8 ??= serializerOf(await import("node:v8"));
    try {
      await readFrames(child.read.bind(child), (frame) => this.#receive(child, frame));
      return undefined;
    } catch (error) {
      return error instanceof GarbageError ? error.message : "sent a message that can't be read";
    }
  }

  #receive(child: Child, frame: Frame): void {
    const { kind, head } = frame;
    if (kind === FromLane.ready) {
      this.#isReady = true;
      head[0] = originHere(head[0]!);
      child.show();
    }
    if (this.#closed) return;
    if (kind === WIDER) return child.readWider();
    if (frame.body.length >= LARGE_BYTES) this.#noteLarge();
    const { isRelayed } = this.options;
    this.events.message(kind, head, isRelayed ? frame : decodePayload(frame, serializer));
  }

  send(kind: number, head: ArrayLike<number>, payload?: unknown): void {
    const parts = encodeFrame(kind, head, payload, serializer);
    for (const bytes of parts) this.#child.write(bytes);
    if (parts.at(-1)!.length >= LARGE_BYTES) this.#noteLarge();
  }

  #noteLarge(): void {
    if (++this.#large < WIDER_AFTER) return;
    this.#child.writeWider(encodeFrame(WIDER, [], undefined)[0]!);
  }

  hold(keepsAlive: boolean): void {
    this.#holds = keepsAlive;
    this.#child.hold(keepsAlive);
  }

  kill(): void {
    this.#child.kill();
  }

  async close(): Promise<void> {
    if (!this.#closed) this.send(ToLane.end, []);
    this.#closed = true;
    await this.#child.close();
  }
}

/** What a child may import from: the hosts given, and those of its modules if this program may do so. */
function importsOf(modules: readonly string[], permissions: LanePermissions): true | string[] {
  const { import: given = false } = permissions;
  if (given === true) return true;
  const own = [MAIN, ...modules].filter((module) => /^https?:/.test(module)).map((module) => {
    const { protocol, hostname, port } = new URL(module);
    return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
  });
  const mayImport = (host: string) =>
    Deno.permissions.querySync({ name: "import", host }).state === "granted";
  return [...new Set([...own.filter(mayImport), ...given || []])];
}
