/** Programs that a test starts to check what they see of their start. */

import { assertEquals } from "@std/assert";

/** How a program is started. */
export interface StartOptions {
  /** Deno's command; none if empty. */
  readonly command?: "run" | "";
  /** The flags before the program's file. */
  readonly flags?: readonly string[];
  readonly args?: readonly string[];
  readonly cwd?: string;
}

/** Runs a program and returns what it prints as JSON by calling `print`. */
export async function printed(code: string, options: StartOptions = {}): Promise<unknown> {
  const { command = "run", flags = ["--allow-read"], args = [], cwd } = options;
  const text = `const print = (value) => console.log(JSON.stringify(value) ?? "null");\n${code}`;
  const { stdout, stderr, code: exitCode } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...command === "" ? [] : [command],
      "--quiet",
      "--no-prompt",
      ...flags,
      `data:text/javascript,${encodeURIComponent(text)}`,
      ...args,
    ],
    ...(cwd !== undefined && { cwd }),
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  assertEquals([exitCode, new TextDecoder().decode(stderr)], [0, ""]);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** The code of an import from a module of `lib/lanes`. */
export function importOf(names: string, path: string): string {
  const url = new URL(`../../lib/lanes/${path}`, import.meta.url).href;
  return `import { ${names} } from ${JSON.stringify(url)};`;
}

/** A temporary folder with these files, by their paths; a path that ends with a slash is a folder. */
export async function withFiles(
  files: Readonly<Record<string, string>>,
  use: (root: string) => Promise<void> | void,
): Promise<void> {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "lanes of a project " }));
  try {
    for (const [name, text] of Object.entries(files)) {
      const path = `${root}/${name}`;
      const folder = path.slice(0, path.lastIndexOf("/"));
      await Deno.mkdir(folder, { recursive: true });
      if (!name.endsWith("/")) await Deno.writeTextFile(path, text);
    }
    await use(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
