/**
 * NATS servers for tests, on free ports of the loopback interface, with stores in temporary folders; and
 * machines that join them. Tests that need one are ignored if `nats-server` isn't installed.
 */

import { attempt } from "../lib/lanes/attempt.ts";
import { cluster } from "../lib/mod.ts";
import { eventually, turns } from "./conformance/gates.ts";
import { granted, hasProgram } from "./granted.ts";
import { ROOT, startTask } from "./scripts/run_script.ts";

const PROGRAM = "nats-server";
const MOST_TRIES = 10;

/** Whether a NATS server can be started on this machine. */
export const hasNats: boolean = granted("read", "write", "net") &&
  await hasProgram(PROGRAM, "--version");

export class NatsServer implements AsyncDisposable {
  readonly #folder: string;
  readonly #args: readonly string[];
  #child: Deno.ChildProcess | undefined;
  port = 0;

  private constructor(folder: string, args: readonly string[]) {
    this.#folder = folder;
    this.#args = args;
  }

  /** @param args Further arguments, such as `--user`. */
  static async start(
    { args = [], jetStream = true, storeBytes, config = "" }: {
      readonly args?: readonly string[];
      readonly jetStream?: boolean;
      /** The most that its store may hold, in bytes. */
      readonly storeBytes?: number;
      /** Further lines for its configuration file. */
      readonly config?: string;
    } = {},
  ): Promise<NatsServer> {
    const folder = await Deno.makeTempDir();
    const most = storeBytes === undefined ? "" : `, max_file_store: ${storeBytes}`;
    const store = jetStream ? `jetstream { store_dir: "${folder}/store"${most} }` : "";
    await Deno.writeTextFile(`${folder}/config`, `${store}\n${config}`);
    const server = new NatsServer(folder, ["-c", `${folder}/config`, ...args]);
    await server.run();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child!.pid;
  }

  /** Starts the server, or starts it again on the same port, which another program may have for a moment. */
  async run(): Promise<void> {
    const port = this.port === 0 ? "-1" : String(this.port);
    const log = `${this.#folder}/log`;
    // The server's log says when it is ready, and on which port.
    const said = () => attempt(() => Deno.readTextFileSync(log), "");
    for (let tries = 1;; tries++) {
      await Deno.remove(log).catch(() => {});
      const child = new Deno.Command(PROGRAM, {
        args: ["-a", "127.0.0.1", "-p", port, "-l", log, ...this.#args],
        stdin: "null",
        stdout: "null",
        stderr: "inherit",
      }).spawn();
      let hasEnded = false;
      void child.status.then(() => hasEnded = true);
      const isReady = () => said().includes("Server is ready");
      await eventually(() => hasEnded || isReady(), "the server is ready");
      if (!hasEnded) {
        this.#child = child;
        break;
      }
      if (tries === MOST_TRIES) throw new Error(`the server has ended: ${said()}`);
      await turns(100);
    }
    this.port = Number(/client connections on 127\.0\.0\.1:(\d+)/.exec(said())![1]);
  }

  /** Deletes all that the server has stored; the server must not be running. */
  async forget(): Promise<void> {
    await Deno.remove(`${this.#folder}/store`, { recursive: true });
  }

  async stop(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    this.#child?.kill(signal);
    await this.#child?.status;
    this.#child = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** A machine that has joined, as a separate process; its output is dropped. */
export class LaneProcess implements AsyncDisposable {
  readonly child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess) {
    this.child = child;
  }

  /** Starts the machine, and waits until a job could get a lane of it. */
  static async start(
    url: string,
    args: readonly string[],
    { through, ...login }: {
      readonly creds?: string;
      readonly through?: readonly string[] | undefined;
    } = {},
  ): Promise<LaneProcess> {
    const options = {
      cwd: ROOT,
      stdout: "null",
      stderr: "null",
      ...through && { through },
    } as const;
    const lane = new LaneProcess(startTask("lane", ["--servers", url, ...args], options));
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      await using executor = cluster({ servers: url, lanes: 1, ...login });
      if (await executor.ready().then(() => true, () => false)) return lane;
    }
    throw new Error(`no machine has joined at ${url}`);
  }

  async end(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    attempt(() => this.child.kill(signal)); // the process may have ended
    await this.child.status;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}
