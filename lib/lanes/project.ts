/**
 * Which project a task belongs to, and which flags this program was started with. Deno looks beside the
 * program that is run, which in a subprocess lane is this library and not the task, so the child is told.
 *
 * @module
 */

let flags: readonly string[] | undefined | null = null;

/** `deno` commands that take flags before the program's file. */
const COMMANDS = new Set(["run", "test", "bench", "serve", "eval", "x"]);

/**
 * The flags that Deno itself was given, before the program's file: what Deno calls to its programs by
 * no name. Undefined where it isn't known: only Linux tells, and only a program that has all
 * permissions.
 */
export function programFlags(): readonly string[] | undefined {
  if (flags === null) flags = readFlags();
  return flags;
}

function readFlags(): string[] | undefined {
  // Asking must not prompt.
  if (Deno.permissions.querySync({ name: "read" }).state !== "granted") return undefined;
  let words: string[];
  try {
    words = Deno.readTextFileSync("/proc/self/cmdline").split("\0");
  } catch {
    return undefined;
  }
  const found: string[] = [];
  let at = 1;
  if (COMMANDS.has(words[at] ?? "")) at++;
  for (; at < words.length && words[at]!.startsWith("-"); at++) {
    const word = words[at]!;
    if (WITH_VALUE.has(word)) found.push(`${LONG[word] ?? word}=${words[++at] ?? ""}`);
    else found.push(word);
  }
  return found;
}

/** Flags whose value may be a word of its own. */
const WITH_VALUE = new Set([
  "-c",
  "--config",
  "--import-map",
  "--location",
  "--preload",
  "--require",
  "--conditions",
  "--log-level",
  "-L",
  "--min-dep-age",
  "--node-modules-linker",
  "--ext",
  "--seed",
  "--cert",
]);
const LONG: Readonly<Record<string, string>> = { "-c": "--config" };

const CONFIGS = ["deno.json", "deno.jsonc"];

/**
 * The deno.json in the folder of a module or in the nearest folder above it: its path; undefined if
 * there is none, if it is not to be told because this program may not read there, or if the module
 * isn't a file.
 */
export function nearestConfig(module: string): string | undefined {
  return projectOf(module)?.config;
}

interface Project {
  readonly config?: string;
  /** A package.json whose node_modules stand beside it, nearer than any deno.json. */
  readonly hasPackages: boolean;
  readonly lock?: string;
}

const projects = new Map<string, Project | undefined>();

function projectOf(module: string): Project | undefined {
  if (!module.startsWith("file:")) return undefined;
  if (!projects.has(module)) projects.set(module, search(new URL(".", module)));
  return projects.get(module);
}

function search(folder: URL, hasPackages = false): Project | undefined {
  const has = (name: string) => stat(new URL(name, folder));
  try {
    const config = CONFIGS.find((name) => has(name)?.isFile);
    if (config !== undefined) {
      let lock: string | undefined;
      try {
        lock = lockAbove(folder);
      } catch {
        // It may not be looked for.
      }
      return {
        config: pathOf(new URL(config, folder)),
        hasPackages,
        ...(lock !== undefined && { lock }),
      };
    }
    hasPackages ||= has("package.json")?.isFile === true &&
      has("node_modules")?.isDirectory === true;
  } catch {
    return hasPackages ? { hasPackages } : undefined; // it may not be read
  }
  const above = new URL("..", folder);
  if (above.href !== folder.href) return search(above, hasPackages);
  return hasPackages ? { hasPackages } : undefined;
}

/** What a program must be allowed to read to find out in which project a module stands. */
export function projectFiles(module: string): string[] {
  const files: string[] = [];
  if (!module.startsWith("file:")) return files;
  for (let folder = new URL(".", module);; folder = new URL("..", folder)) {
    for (const name of [...CONFIGS, "package.json", "node_modules", "deno.lock"]) {
      files.push(pathOf(new URL(name, folder)));
    }
    if (folder.pathname === "/") return files;
  }
}

/** The lock of a workspace stands above its members. */
function lockAbove(folder: URL): string | undefined {
  const lock = new URL("deno.lock", folder);
  if (stat(lock)?.isFile) return pathOf(lock);
  const above = new URL("..", folder);
  return above.href === folder.href ? undefined : lockAbove(above);
}

function stat(file: URL): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  }
}

function pathOf(file: URL): string {
  return decodeURIComponent(file.pathname);
}

/** Flags of the program that say what its modules mean; its tasks' modules are to mean the same. */
const MEANING =
  /^--(config|import-map|no-config|location|no-lock|lock|frozen|node-modules-dir|vendor|unstable|unstable-.+|no-npm|no-remote|conditions|cert|sloppy-imports)(=|$)/;

/** What a child's command line says of its project. */
export interface ProjectFlags {
  readonly flags: readonly string[];
  /** The same for a lock that doesn't hold all that the task imports. It is never written. */
  readonly unlocked: readonly string[];
}

/**
 * The flags by which a child runs tasks in their own project: those that this program was started
 * with where they can be seen, else by what stands nearest to the first task's module.
 */
export function projectFlags(
  modules: readonly string[],
  config?: string,
  program: readonly string[] = programFlags() ?? [],
): ProjectFlags {
  const own = program.filter((flag) => MEANING.test(flag)).map(absolute);
  const has = (name: string) =>
    own.some((flag) => flag === `--${name}` || flag.startsWith(`--${name}=`));
  const project = modules.map(projectOf).find((project) => project !== undefined);
  const flags = [...own];
  let lock: string | undefined;
  if (config !== undefined) flags.push(`--config=${config}`);
  else if (!has("config") && !has("no-config")) {
    if (project?.config === undefined) flags.push("--no-config");
    else {
      flags.push(`--config=${project.config}`);
      lock = project.lock;
    }
    if (project?.hasPackages && !has("node-modules-dir")) flags.push("--node-modules-dir=manual");
  }
  const withoutConfig = flags.filter((flag) => config === undefined || !isOwnConfig(flag, config));
  if (has("lock") || has("no-lock")) return { flags: withoutConfig, unlocked: withoutConfig };
  const unlocked = [...withoutConfig, "--no-lock"];
  return { flags: lock === undefined ? unlocked : [...withoutConfig, "--frozen"], unlocked };
}

/**
 * Those of the modules that mean the same in one child: they are of the project of the first one
 * that has any. Code in a URL has none, and means the same everywhere.
 */
export function ofOneProject(modules: readonly string[], config?: string): string[] {
  const hasNone = (module: string) => module.startsWith("data:");
  const flagsOf = (module: string) => projectFlags([module], config).flags.join("\0");
  const first = modules.find((module) => !hasNone(module));
  const flags = first === undefined ? undefined : flagsOf(first);
  return modules.filter((module) => hasNone(module) || flagsOf(module) === flags);
}

/** The caller's word goes before the program's. */
function isOwnConfig(flag: string, config: string): boolean {
  return flag === "--no-config" ||
    (flag.startsWith("--config=") && flag !== `--config=${config}`);
}

const WHEN_LOADED = attempt(() => Deno.cwd());
const PATHS = /^(--(?:config|import-map|lock|cert)=)([^/].*)$/;

/** Relative paths of the command line are meant from where the program was started. */
function absolute(flag: string): string {
  const [, name, path] = PATHS.exec(flag) ?? [];
  if (path === undefined || WHEN_LOADED === undefined || URL.canParse(path)) return flag;
  return `${name}${WHEN_LOADED}/${path}`;
}

function attempt<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
