/**
 * Where links lead, also to files that aren't there yet.
 *
 * @module
 */

import { dirname, resolve } from "@std/path";

/** As many links in a row as Linux follows. */
const MOST_LINKS = 40;

/** The path at the end of a path's links; the path itself if it is none. */
export async function linkTarget(path: string): Promise<string> {
  let at = path;
  for (let link = 0; link < MOST_LINKS; link++) {
    const isLink = await Deno.lstat(at).then(({ isSymlink }) => isSymlink, () => false);
    if (!isLink) return at;
    at = resolve(dirname(at), await Deno.readLink(at));
  }
  return path;
}
