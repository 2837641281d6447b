/**
 * The project that a task belongs to, and the flags with which this program was started. Deno uses the project
 * of the program it runs, which in a subprocess lane is this library, so the child is told.
 */

import { attempt } from "./attempt.ts";

let flags: readonly string[] | undefined | null = null;

/** Deno's own flags, before the program's file; undefined if they can't be read or this program may not. */
export function programFlags(): readonly string[] | undefined {
  if (flags === null) flags = readFlags();
  return flags;
}

/** `deno` commands that take flags before the program's file. */
const COMMANDS = /^(run|test|bench|serve|eval|x)$/;
/** Flags whose value may be a separate word. */
const WITH_VALUE =
  /^(-c|--config|--import-map|--location|--preload|--require|--conditions|--log-level|-L|--min-dep-age|--node-modules-linker|--ext|--seed|--cert)$/;

function readFlags(): string[] | undefined {
  // Asking for permission must not prompt.
  if (Deno.permissions.querySync({ name: "read" }).state !== "granted") return undefined;
  const words = attempt(() => Deno.readTextFileSync("/proc/self/cmdline").split("\0"));
  if (words === undefined) return undefined;
  const found: string[] = [];
  for (let at = COMMANDS.test(words[1]!) ? 2 : 1; words[at]?.startsWith("-"); at++) {
    const word = words[at]!.replace(/^-c$/, "--config");
    found.push(WITH_VALUE.test(word) ? `${word}=${words[++at] ?? ""}` : word);
  }
  return found;
}

const CONFIGS = ["deno.json", "deno.jsonc"];

/** The path of the deno.json nearest to a module; undefined if there is none, or it may not be read. */
export function nearestConfig(module: string): string | undefined {
  return projectOf(module)?.config;
}

/** Flags, besides `--config`, with which a program elsewhere imports a module as its own project does. */
export function packageFlags(module: string): string[] {
  const { config, hasPackages, mayBeCommonJs } = projectOf(module) ?? {};
  return [
    ...(hasPackages && config === undefined ? ["--no-config"] : []),
    ...(hasPackages ? ["--node-modules-dir=manual"] : []),
    ...(mayBeCommonJs ? [`--${DETECT}`] : []),
  ];
}

interface Project {
  readonly config?: string;
  /** Whether a package.json is nearer than any deno.json, with node_modules beside it or imports or exports. */
  readonly hasPackages: boolean;
  /** Whether modules may be CommonJS: the nearest package.json doesn't say that all are ES modules. */
  readonly mayBeCommonJs: boolean;
  readonly lock?: string;
  /** Whether deno.json freezes the lock file, so that nothing outside it may run. */
  readonly isFrozen?: boolean;
}

const projects = new Map<string, Project | undefined>();

function projectOf(module: string): Project | undefined {
  return projects.getOrInsertComputed(module, search);
}

/** The folder of a module and those above it, up to the root; none if the module isn't a file. */
function* foldersOf(module: string): Generator<URL> {
  if (!module.startsWith("file:")) return;
  let folder = new URL(".", module);
  for (let below = ""; folder.href !== below; folder = new URL("..", folder)) {
    yield folder;
    below = folder.href;
  }
}

function search(module: string): Project | undefined {
  let hasPackages = false;
  let namesModules = false;
  let mayBeCommonJs: boolean | undefined;
  const found = () => ({ hasPackages, mayBeCommonJs: mayBeCommonJs ?? false });
  try {
    for (const folder of foldersOf(module)) {
      const has = (name: string) => stat(new URL(name, folder));
      const packages = new URL("package.json", folder);
      const isPackage = has("package.json")?.isFile === true;
      if (isPackage) mayBeCommonJs ??= !says(packages, '"type"\\s*:\\s*"module"');
      const config = CONFIGS.find((name) => has(name)?.isFile);
      if (config !== undefined) {
        const lock = attempt(() => lockAbove(folder)); // it may not be readable
        const file = new URL(config, folder);
        // A workspace resolves its members' imports itself, wherever their packages are.
        hasPackages ||= namesModules && !says(file, '"workspace"\\s*:');
        const isFrozen = says(file, '"frozen"\\s*:\\s*true');
        return { ...found(), config: pathOf(file), ...(lock !== undefined && { lock, isFrozen }) };
      }
      if (!isPackage) continue;
      hasPackages ||= has("node_modules")?.isDirectory === true;
      namesModules ||= says(packages, '"(?:imports|exports)"\\s*:');
    }
  } catch {
    // The folders may not be readable.
  }
  hasPackages ||= namesModules;
  return hasPackages || mayBeCommonJs ? found() : undefined;
}

/** Whether a JSON file, with comments or without, contains text of this pattern. */
function says(file: URL, pattern: string): boolean {
  return new RegExp(pattern).test(attempt(() => Deno.readTextFileSync(file)) ?? "");
}

/** Paths that a program must be allowed to read to find out a module's project. */
export function projectFiles(module: string): string[] {
  const names = [...CONFIGS, "package.json", "node_modules", "deno.lock"];
  return [...foldersOf(module)].flatMap((folder) =>
    names.map((name) => pathOf(new URL(name, folder)))
  );
}

/** The folders of all files that a thread's entry file imports; tests/structure_test.ts checks this. */
export const THREAD_FOLDERS: readonly URL[] = ["../lanes", "../tasks"].map((path) =>
  new URL(path, import.meta.url)
);

/** Part of an error message if these folders may not be read. */
export const THREADS_NEED: string = `threads need --allow-read=${
  THREAD_FOLDERS.map(({ pathname }) => pathname).join(",")
}`;

/** Part of an error message if one of their files, or a subprocess's, is missing. */
export const LEFT_OUT: string =
  "Was this program bundled or compiled? Leave this library out of the bundle (deno bundle --external), " +
  "or have that file compiled in (--include)";

/** A workspace's lock file is above its members. */
function lockAbove(folder: URL): string | undefined {
  const locks = [...foldersOf(folder.href)].map((above) => new URL("deno.lock", above));
  const lock = locks.find((lock) => stat(lock)?.isFile);
  return lock && pathOf(lock);
}

/** Whether nothing is at a path, or a link that leads nowhere, as far as this program may see. */
export function isMissing(path: string): boolean {
  return attempt(() => stat(path) === undefined, false);
}

function stat(file: URL | string): Deno.FileInfo | undefined {
  // Asking for permission must not prompt.
  const { state } = Deno.permissions.querySync({ name: "read", path: file });
  if (state !== "granted") throw new Deno.errors.NotCapable(`It may not be read: ${file}`);
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

/** Flags that decide how modules are resolved and run; they apply to tasks' modules, too. */
const MEANING =
  /^--(config|import-map|no-config|location|no-lock|lock|frozen|node-modules-dir|vendor|unstable|unstable-.+|no-npm|no-remote|conditions|cert|sloppy-imports)(=|$)/;

/** Makes Deno load a module as CommonJS if it is one, unless its package.json says otherwise. */
const DETECT = "unstable-detect-cjs";

export interface ProjectFlags {
  readonly flags: readonly string[];
  /** The flags for a lock file that lacks some of the tasks' imports: without it, unless it is frozen. */
  readonly unlocked: readonly string[];
}

/**
 * The flags with which a child runs tasks in their own project: this program's flags if they can be read,
 * otherwise those that the files nearest to the first task's module ask for.
 */
export function projectFlags(
  modules: readonly string[],
  config?: string,
  program: readonly string[] = programFlags() ?? [],
): ProjectFlags {
  // The caller's `config` replaces the program's.
  const own = program.filter((flag) => MEANING.test(flag)).map(absolute).filter((flag) =>
    config === undefined || !/^--(no-)?config(=|$)/.test(flag)
  );
  const has = (name: string) =>
    own.some((flag) => flag === `--${name}` || flag.startsWith(`--${name}=`));
  const project = modules.map(projectOf).find((project) => project !== undefined);
  const flags = [...own];
  let lock: string | undefined;
  let isFrozen = false;
  if (config !== undefined) flags.push(`--config=${config}`);
  else if (!has("config") && !has("no-config")) {
    if (project?.config === undefined) flags.push("--no-config");
    else {
      flags.push(`--config=${project.config}`);
      ({ lock, isFrozen = false } = project);
    }
    if (project?.hasPackages && !has("node-modules-dir")) flags.push("--node-modules-dir=manual");
    // Deno reads a package.json's type only if the file belongs to its own configuration.
    if (project?.mayBeCommonJs && !has(DETECT)) flags.push(`--${DETECT}`);
  }
  if (has("lock") || has("no-lock")) return { flags, unlocked: flags };
  const unlocked = [...flags, "--no-lock"];
  if (lock === undefined) return { flags: unlocked, unlocked };
  const locked = [...flags, "--frozen"];
  return { flags: locked, unlocked: isFrozen ? locked : unlocked };
}

/**
 * The modules that can share one child: they have the same project flags as the first module that is a file.
 * Code in a data: URL has no project and runs anywhere.
 */
export function ofOneProject(modules: readonly string[], config?: string): string[] {
  const hasNone = (module: string) => module.startsWith("data:");
  const flagsOf = (module: string) => projectFlags([module], config).flags.join("\0");
  const first = modules.find((module) => !hasNone(module));
  const flags = first === undefined ? undefined : flagsOf(first);
  return modules.filter((module) => hasNone(module) || flagsOf(module) === flags);
}

const WHEN_LOADED = attempt(() => Deno.cwd());
const PATHS = /^(--(?:config|import-map|lock|cert)=)([^/].*)$/;

/** Makes a flag's relative path absolute; it is relative to the folder in which the program was started. */
function absolute(flag: string): string {
  const [, name, path] = PATHS.exec(flag) ?? [];
  if (path === undefined || WHEN_LOADED === undefined || URL.canParse(path)) return flag;
  return `${name}${WHEN_LOADED}/${path}`;
}

/** Makes a path absolute, so that it holds if the program changes its folder; unchanged if that is unknown. */
export function fromHere(path: string): string {
  const here = attempt(() => Deno.cwd());
  const isWhole = path === "" || path.startsWith("/") || URL.canParse(path);
  return here === undefined || here.includes(",") || isWhole ? path : `${here}/${path}`;
}

/**
 * Code of a module whose graph contains these modules, so that a lane that knows them from its start can load
 * them later without permission. Only those in `atOnce` run at once. The others run when a task of theirs is
 * wanted, because they may set timers or throw.
 */
export function preloadCode(modules: readonly string[], atOnce: readonly string[] = []): string {
  const now = atOnce.map((module) => `import ${JSON.stringify(module)};`);
  const later = [...new Set(modules)].filter(needsPreload)
    .map((module) => `()=>import(${JSON.stringify(module)});`);
  return `data:text/javascript,${encodeURIComponent([...now, ...later].join(""))}`;
}

/** Whether a lane without permissions can load a module only if it knew it at its start. */
export function needsPreload(module: string): boolean {
  return !/^(data|npm|jsr|node):/.test(module);
}
