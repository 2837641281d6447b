import { assertEquals } from "@std/assert";
import { UnusedResults } from "../../lib/dispatch/output.ts";

/** A FinalizationRegistry whose collecting is done by the test. */
class FakeRegistry {
  static made: FakeRegistry[] = [];
  readonly registered = new Map<unknown, unknown>();
  readonly #cleanUp: (held: unknown) => void;

  constructor(cleanUp: (held: unknown) => void) {
    this.#cleanUp = cleanUp;
    FakeRegistry.made.push(this);
  }

  register(_target: object, held: unknown, token: unknown): void {
    this.registered.set(token, held);
  }

  unregister(token: unknown): void {
    this.registered.delete(token);
  }

  /** Collects everything that is registered. */
  collect(): void {
    for (const held of this.registered.values()) this.#cleanUp(held);
    this.registered.clear();
  }
}

/** Unused results, and the registry by which a test collects them. */
function watching() {
  const { FinalizationRegistry } = globalThis;
  Object.assign(globalThis, { FinalizationRegistry: FakeRegistry });
  try {
    const unused = new UnusedResults();
    return { unused, registry: FakeRegistry.made.pop()! };
  } finally {
    Object.assign(globalThis, { FinalizationRegistry });
  }
}

/** The lines printed to stderr by an action. */
function printed(action: () => void): string[] {
  const lines: string[] = [];
  const { error } = console;
  console.error = (line: string) => void lines.push(line);
  try {
    action();
  } finally {
    console.error = error;
  }
  return lines;
}

function warning(of: string): string {
  return `warning: nothing ran, for nobody asked for the results of ${of}; ` +
    "take them in a loop (for await … of), or all with toArray()";
}

Deno.test("results that nobody asked for are warned of at the end, all in one line", () => {
  const { unused } = watching();
  unused.watch({}, "map");
  assertEquals(printed(() => unused.close()), [warning("map()")]);
  for (const name of ["map", "mapSettled", "map"]) unused.watch({}, name);
  assertEquals(printed(() => unused.close()), [warning("map() and mapSettled() (3 calls)")]);
});

Deno.test("results that were asked for are not warned of, however often that is told", () => {
  const { unused, registry } = watching();
  const use = unused.watch({}, "map");
  unused.watch({}, "mapSettled");
  use();
  assertEquals(registry.registered.size, 1);
  use();
  assertEquals(registry.registered.size, 1);
  assertEquals(printed(() => unused.close()), [warning("mapSettled()")]);
});

Deno.test("results that nobody can ask for any more are warned of when they are collected", () => {
  const { unused, registry } = watching();
  unused.watch({}, "map");
  unused.watch({}, "mapSettled");
  assertEquals(printed(() => registry.collect()), [warning("map()"), warning("mapSettled()")]);
  assertEquals(printed(() => unused.close()), []);
});

Deno.test("what was warned of at the end is not warned of again when it is collected", () => {
  const { unused, registry } = watching();
  const use = unused.watch({}, "map");
  assertEquals(printed(() => unused.close()).length, 1);
  assertEquals(printed(() => registry.collect()), []);
  use();
  assertEquals(printed(() => unused.close()), []);
});
