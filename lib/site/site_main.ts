/**
 * Entry of the test site's own process: it says where it is, or why it could not start. It imports no
 * npm package.
 */

import { connectToParent } from "../children/parent.ts";
import type { SiteOptions } from "./options.ts";
import { serveSite } from "./server.ts";

/** What the site's process says: where it is, or why it could not start. */
export type SiteGreeting =
  | { readonly type: "serving"; readonly url: string; readonly hosts: readonly string[] }
  | { readonly type: "error"; readonly name: string; readonly message: string };

if (import.meta.main) {
  const { order, tell, signal } = await connectToParent<SiteOptions>({ handlesTerm: false });
  const say: (greeting: SiteGreeting) => void = tell;
  signal.onabort = () => Deno.exit(0);
  try {
    const { url, hosts } = serveSite(order);
    say({ type: "serving", url, hosts });
  } catch (thrown) {
    const { name, message } = thrown instanceof Error ? thrown : new Error(String(thrown));
    say({ type: "error", name, message });
    Deno.exit(1);
  }
}
