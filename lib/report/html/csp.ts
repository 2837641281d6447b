/**
 * The content-security policy that keeps the page to itself: it may use no network at all, and of
 * styles and scripts only those that it was written with.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** Writes the policy for a page's inline style and script. */
export function policyFor(style: string, script: string): string {
  return "default-src 'none'; base-uri 'none'; form-action 'none'; " +
    `style-src '${hashOf(style)}'; script-src '${hashOf(script)}'`;
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
