/** A separate network for a machine, behind a link that can be cut and slowed down. */

import { granted } from "../../granted.ts";

/** @throws If the command fails, with its stderr. */
async function command(line: string): Promise<void> {
  const [program, ...args] = line.split(" ");
  const { success, stderr } = await new Deno.Command(program!, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`${line}: ${new TextDecoder().decode(stderr)}`);
}

/** A network namespace, joined to this one by a pair of virtual Ethernet devices. */
export class Namespace implements AsyncDisposable {
  // The names include the process id, so that test runs at the same time don't collide.
  readonly #name = `lanes-${Deno.pid}`;
  readonly #net = `10.213.${(Deno.pid >> 6) & 0xff}`;
  readonly #first = 4 * (Deno.pid & 63);
  /** This side's address. */
  readonly host = `${this.#net}.${this.#first + 1}`;
  /** The command prefix that runs a program in the namespace. */
  readonly through = ["ip", "netns", "exec", this.#name];

  /** @throws If it can't be made: that needs root, and a kernel with network namespaces. */
  static async make(): Promise<Namespace> {
    const made = new Namespace();
    try {
      await made.#make();
    } catch (error) {
      await made[Symbol.asyncDispose]();
      throw error;
    }
    return made;
  }

  async #make(): Promise<void> {
    const near = `lanes${Deno.pid}`;
    await command(`ip netns add ${this.#name}`);
    await command(`ip link add ${near} type veth peer name far netns ${this.#name}`);
    await command(`ip address add ${this.host}/30 dev ${near}`);
    await command(`ip link set ${near} up`);
    await command(`ip -n ${this.#name} address add ${this.#net}.${this.#first + 2}/30 dev far`);
    await this.mend();
  }

  /** Lets no packet through from now on; neither side is notified. */
  cut(): Promise<void> {
    return command(`ip -n ${this.#name} link set far down`);
  }

  mend(): Promise<void> {
    return command(`ip -n ${this.#name} link set far up`);
  }

  /** Delays packets and loses some if the kernel can; else limits the bandwidth. */
  slow(): Promise<void> {
    const rule = `tc -n ${this.#name} qdisc add dev far root`;
    return command(`${rule} netem delay 10ms 5ms loss 2%`)
      .catch(() => command(`${rule} tbf rate 2mbit burst 16kbit latency 200ms`));
  }

  /** Deletes the namespace, and its devices with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await command(`ip netns delete ${this.#name}`).catch(() => {});
  }
}

/** Whether a namespace can be made on this machine. */
export const hasNamespaces: boolean = granted("run") &&
  Deno.permissions.querySync({ name: "net" }).state === "granted" &&
  await Namespace.make().then((made) => made[Symbol.asyncDispose]()).then(() => true, () => false);
