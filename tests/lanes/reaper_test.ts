import { assertEquals } from "@std/assert";
import { release, watchOver } from "../../lib/lanes/reaper.ts";

/** A child that notes how it was killed. */
function childOf(kills: string[] = []): Deno.ChildProcess {
  return { kill: (signal: string) => kills.push(signal) } as unknown as Deno.ChildProcess;
}

/** What the reaper listens to, and what it does to this program, noted instead of done. */
class Stage implements Disposable {
  readonly signals = new Map<string, () => void>();
  readonly events = new Map<string, (event?: Event) => void>();
  readonly exits: number[] = [];
  readonly #real = {
    addSignalListener: Deno.addSignalListener,
    removeSignalListener: Deno.removeSignalListener,
    exit: Deno.exit,
  };
  readonly #listening = {
    addEventListener: globalThis.addEventListener,
    removeEventListener: globalThis.removeEventListener,
  };

  constructor() {
    Object.assign(Deno, {
      addSignalListener: (signal: string, handle: () => void) => this.signals.set(signal, handle),
      removeSignalListener: (signal: string, handle: () => void) => {
        if (this.signals.get(signal) === handle) this.signals.delete(signal);
      },
      exit: (code: number) => this.exits.push(code),
    });
    Object.assign(globalThis, {
      addEventListener: (name: string, handle: () => void) => this.events.set(name, handle),
      removeEventListener: (name: string, handle: () => void) => {
        if (this.events.get(name) === handle) this.events.delete(name);
      },
    });
  }

  [Symbol.dispose](): void {
    Object.assign(Deno, this.#real);
    Object.assign(globalThis, this.#listening);
  }
}

Deno.test("the program listens as long as there is a child, and no longer", () => {
  using stage = new Stage();
  const [one, two] = [childOf(), childOf()];
  watchOver(one, true);
  watchOver(two, true);
  assertEquals([...stage.signals.keys()], ["SIGINT", "SIGTERM", "SIGHUP"]);
  assertEquals([...stage.events.keys()], ["unload", "error", "unhandledrejection"]);
  release(one);
  release(one);
  assertEquals([stage.signals.size, stage.events.size], [3, 3]);
  release(two);
  release(two);
  assertEquals([stage.signals.size, stage.events.size], [0, 0]);
});

Deno.test("a signal kills every child, and ends the program with the signal's exit code", () => {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
    using stage = new Stage();
    const kills: string[] = [];
    const children = [childOf(kills), childOf(kills)];
    for (const child of children) watchOver(child, true);
    stage.signals.get(signal)!();
    assertEquals([kills, stage.exits], [["SIGKILL", "SIGKILL"], [code]]);
    for (const child of children) release(child);
  }
});

Deno.test("a program that handles signals itself is left to do so", () => {
  using stage = new Stage();
  const kills: string[] = [];
  const [one, two] = [childOf(kills), childOf(kills)];
  watchOver(one, true);
  watchOver(two, false);
  stage.signals.get("SIGINT")!();
  assertEquals([kills, stage.exits], [[], []]);
  release(two);
  stage.signals.get("SIGINT")!();
  assertEquals([kills, stage.exits], [["SIGKILL"], [130]]);
  release(one);
});

Deno.test("the program's end and failures kill the children, unless somebody saw to the failure", () => {
  using stage = new Stage();
  const kills: string[] = [];
  const child = childOf(kills);
  watchOver(child, false);
  const seenTo = new Event("error", { cancelable: true });
  seenTo.preventDefault();
  stage.events.get("error")!(seenTo);
  assertEquals(kills, []);
  stage.events.get("error")!(new Event("error"));
  stage.events.get("unhandledrejection")!(new Event("unhandledrejection"));
  stage.events.get("unload")!(new Event("unload"));
  assertEquals([kills.length, stage.exits], [3, []]);
  release(child);
});

Deno.test("a child that has ended already keeps no other from being killed", () => {
  using stage = new Stage();
  const kills: string[] = [];
  const ended = {
    kill() {
      throw new TypeError("Child process has already terminated");
    },
  } as unknown as Deno.ChildProcess;
  const child = childOf(kills);
  watchOver(ended, true);
  watchOver(child, true);
  stage.signals.get("SIGTERM")!();
  assertEquals([kills, stage.exits], [["SIGKILL"], [143]]);
  release(ended);
  release(child);
});
