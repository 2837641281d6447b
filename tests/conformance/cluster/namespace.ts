/** Networks of machines' own, behind links that can be cut and made slow. */

import { granted } from "../../granted.ts";

/** @throws If it fails, with what it said. */
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
  // Runs of the tests beside each other must not meet.
  readonly #name = `lanes-${Deno.pid}`;
  readonly #net = `10.213.${(Deno.pid >> 6) & 0xff}`;
  readonly #first = 4 * (Deno.pid & 63);
  /** This side's address. */
  readonly host = `${this.#net}.${this.#first + 1}`;
  /** What a command is put behind to run in there. */
  readonly through = ["ip", "netns", "exec", this.#name];

  /** @throws If it can't be made: that needs root, and a kernel that has them. */
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

  /** From now on no packet comes through, and nobody is told. */
  cut(): Promise<void> {
    return command(`ip -n ${this.#name} link set far down`);
  }

  mend(): Promise<void> {
    return command(`ip -n ${this.#name} link set far up`);
  }

  /** Packets are late and some are lost, where the kernel can do that; else they are few at a time. */
  slow(): Promise<void> {
    const rule = `tc -n ${this.#name} qdisc add dev far root`;
    return command(`${rule} netem delay 10ms 5ms loss 2%`)
      .catch(() => command(`${rule} tbf rate 2mbit burst 16kbit latency 200ms`));
  }

  /** Its devices go with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await command(`ip netns delete ${this.#name}`).catch(() => {});
  }
}

/** Whether one can be made here. */
export const hasNamespaces: boolean = granted("run") &&
  Deno.permissions.querySync({ name: "net" }).state === "granted" &&
  await Namespace.make().then((made) => made[Symbol.asyncDispose]()).then(() => true, () => false);
