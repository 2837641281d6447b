/** A task module that is set up in each lane; `shared` says what its setup and teardown do. */

import type { SetupContext, TaskContext } from "../../lib/lanes/task.ts";

/** The value that the tests share with all lanes. */
export interface Shared {
  /** Gates that are told of each step. */
  readonly url?: string;
  readonly does?:
    | "never sets up"
    | "fails to set up"
    | "exits in setup"
    | "never tears down"
    | "fails to tear down"
    | "exits in teardown";
  readonly table?: ReadonlyMap<string, number>;
  readonly text?: string;
}

/** The resource that a set-up makes. */
export interface Resource {
  readonly name: string;
  uses: number;
  isOpen: boolean;
}

let setUps = 0;

function tell({ url }: Shared, what: string): Promise<unknown> {
  return url === undefined ? Promise.resolve() : fetch(`${url}/${what}`).then((r) => r.text());
}

export async function setup({ shared, signal }: SetupContext<Shared>): Promise<Resource> {
  const name = `${++setUps} of ${crypto.randomUUID().slice(0, 8)}`;
  await tell(shared, "set up");
  if (shared.does === "fails to set up") throw new RangeError("no such database");
  if (shared.does === "exits in setup") Deno.exit(3);
  if (shared.does === "never sets up") {
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  }
  const resource = { name, uses: 0, isOpen: true };
  shareds.set(resource, shared);
  return resource;
}

const shareds = new WeakMap<Resource, Shared>();

export async function teardown(resource: Resource): Promise<void> {
  resource.isOpen = false;
  const shared = shareds.get(resource) ?? {};
  await tell(shared, "torn down");
  if (shared.does === "fails to tear down") throw new RangeError("it was closed already");
  if (shared.does === "exits in teardown") Deno.exit(4);
  if (shared.does === "never tears down") await new Promise(() => {});
}

/** Returns the name of its resource, and how often that was used. */
export function use(_: number, { resource }: TaskContext<Resource>): string {
  if (!resource.isOpen) throw new Error("the resource was disposed");
  return `${resource.name}: ${++resource.uses}`;
}

/** Returns the name of the resource, as another task of the module. */
export function name(_: number, { resource }: TaskContext<Resource>): string {
  return resource.name;
}

/** Waits at a gate while the resource is open. */
export async function hold(
  key: string,
  { resource, shared }: TaskContext<Resource, Shared>,
): Promise<boolean> {
  await tell(shared, key);
  return resource.isOpen;
}

/** Returns the entry of the shared table. */
export function look(key: string, { shared }: TaskContext<unknown, Shared>): number | undefined {
  return shared.table?.get(key);
}

/** Ends its lane if the item is "exit"; else returns the name of its resource. */
export function exits(item: string, { resource, shared }: TaskContext<Resource, Shared>): string {
  shareds.set(resource, shared);
  if (item === "exit") Deno.exit(1);
  return resource.name;
}
