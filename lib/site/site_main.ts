/**
 * Entry of the test site's own process. Told by its one argument how to behave, as JSON; prints one
 * line of JSON when it is ready or can't be; ends with its standard input, so that it never outlives
 * the program that started it.
 *
 * @module
 */

import type { SiteOptions } from "./options.ts";
import { serveSite } from "./server.ts";

/** The line that the site's process prints: where it is, or why it could not start. */
export type SiteGreeting =
  | { readonly url: string; readonly hosts: readonly string[] }
  | { readonly error: { readonly name: string; readonly message: string } };

if (import.meta.main) {
  let greeting: SiteGreeting;
  try {
    const options: SiteOptions = JSON.parse(Deno.args[0] ?? "{}");
    const { url, hosts } = serveSite(options);
    greeting = { url, hosts };
  } catch (thrown) {
    const { name, message } = thrown instanceof Error ? thrown : new Error(String(thrown));
    greeting = { error: { name, message } };
  }
  // Ctrl-C in a terminal goes to every program there; the one that started this decides what it means.
  Deno.addSignalListener("SIGINT", () => {});
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", () => {});
  console.log(JSON.stringify(greeting));
  if ("url" in greeting) { for await (const _ of Deno.stdin.readable) { /* until it ends */ } }
  Deno.exit("url" in greeting ? 0 : 1);
}
