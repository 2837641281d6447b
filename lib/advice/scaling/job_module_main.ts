/**
 * What runs in the process that looks at a job module: imports it and says what it exports. It imports
 * no npm package.
 *
 * @module
 */

import { forwardConsole, Inbox, MessageWriter } from "../../timing/child_lines.ts";

/** What a job module exports. */
export interface JobExports {
  /** The names of its exports that are functions. */
  readonly functions: readonly string[];
  /** What its export `items` is: undefined, or a value's type. */
  readonly items: string;
  /** Its export `title`, if that is a string. */
  readonly title?: string;
}

async function describe(url: string): Promise<JobExports> {
  const module: Record<string, unknown> = await import(url);
  const { title } = module;
  return {
    functions: Object.keys(module).filter((name) => typeof module[name] === "function"),
    items: typeof module.items,
    ...(typeof title === "string" && { title }),
  };
}

async function main(): Promise<void> {
  forwardConsole();
  const inbox = new Inbox(Deno.stdin.readable);
  const { mark, module } = JSON.parse(await inbox.next() ?? "") as { mark: string; module: string };
  const writer = new MessageWriter(mark);
  Deno.addSignalListener("SIGINT", () => {});
  inbox.ended.then(() => Deno.exit(1));
  try {
    writer.write({ type: "exports", exports: await describe(module) });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    writer.write({ type: "error", message });
  }
  Deno.exit(0);
}

if (import.meta.main) await main();
