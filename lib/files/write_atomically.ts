/**
 * Writes files so that a reader sees the old one or the new one, and never half of it.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import { linkTarget } from "./link_target.ts";

/**
 * Writes a file whole or not at all: beside it first, then renamed over it. An older file stays as it was
 * until the new one is complete, also when the disk is full.
 *
 * @throws {Error} What the system said, if the file can't be written; nothing is left behind.
 */
export async function writeAtomically(path: string, text: string): Promise<void> {
  // /dev/stdout and pipes can't be renamed over.
  const special = await Deno.stat(path).then(({ isFile }) => !isFile, () => false);
  if (special) return await Deno.writeTextFile(path, text);
  // The file that a link leads to is replaced, not the link.
  const target = await linkTarget(path);
  const beside = join(dirname(target), `.${basename(target)}.${crypto.randomUUID().slice(0, 8)}`);
  try {
    await Deno.writeTextFile(beside, text, { createNew: true });
    await Deno.rename(beside, target);
  } catch (error) {
    await Deno.remove(beside).catch(() => {});
    throw error;
  }
}
