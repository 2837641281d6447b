/**
 * What Deno knows of a job's module before it is run: the files that it is made of, and the project in
 * which they stand.
 */

import { dirname, fromFileUrl } from "@std/path";
import { projectFlags } from "../lanes/project.ts";

/** A module as Deno would run it. */
interface ModuleFacts {
  /**
   * The local files that it and all its imports are made of; its folder if they can't be found out. A
   * dynamic import needs leave to read each of them.
   */
  readonly files: readonly string[];
  /** The flags by which a child runs it in its own project, whose lock is never written. */
  readonly flags: readonly string[];
}

const known = new Map<string, Promise<ModuleFacts>>();

/** What is known of a module; asked for once. */
export function moduleFacts(module: string): Promise<ModuleFacts> {
  let facts = known.get(module);
  if (facts === undefined) known.set(module, facts = findFacts(module));
  return facts;
}

async function findFacts(module: string): Promise<ModuleFacts> {
  // The flags that this program was started with don't concern the job's project.
  const { flags, unlocked } = projectFlags([module], undefined, []);
  if (!module.startsWith("file:")) return { files: [], flags: unlocked };
  // A lock that lacks some of the job's imports can't be enforced.
  for (const tried of flags === unlocked ? [flags] : [flags, unlocked]) {
    const files = await findFiles(module, tried);
    if (files !== undefined) return { files, flags: tried };
  }
  return { files: [dirname(fromFileUrl(module))], flags: unlocked };
}

async function findFiles(
  module: string,
  flags: readonly string[],
): Promise<string[] | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--quiet", ...flags.map(forInfo), module],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).output();
    if (!success) return undefined;
    const { modules }: { modules: { local?: string; specifier: string; error?: string }[] } = JSON
      .parse(new TextDecoder().decode(stdout));
    if (modules.some(({ specifier, error }) => specifier === module && error !== undefined)) {
      return undefined;
    }
    const files = modules.flatMap(({ specifier }) =>
      specifier.startsWith("file:") ? [fromFileUrl(specifier)] : []
    );
    return files.length > 0 ? files : undefined;
  } catch {
    return undefined;
  }
}

/** `deno info` knows it by its old name alone. */
function forInfo(flag: string): string {
  return flag === "--frozen" ? "--frozen-lockfile" : flag;
}
