/**
 * Which project a task belongs to, and which flags this program was started with. Deno looks beside the
 * program that is run, which in a subprocess lane is this library and not the task, so the child is told.
 */

import { attempt } from "./attempt.ts";

let flags: readonly string[] | undefined | null = null;

/** The flags of Deno itself, before the program's file; undefined where that isn't told, or not to us. */
export function programFlags(): readonly string[] | undefined {
  if (flags === null) flags = readFlags();
  return flags;
}

/** `deno` commands that take flags before the program's file. */
const COMMANDS = /^(run|test|bench|serve|eval|x)$/;
/** Flags whose value may be a word of its own. */
const WITH_VALUE =
  /^(-c|--config|--import-map|--location|--preload|--require|--conditions|--log-level|-L|--min-dep-age|--node-modules-linker|--ext|--seed|--cert)$/;

function readFlags(): string[] | undefined {
  // Asking must not prompt.
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

/** The path of the deno.json nearest to a module; undefined if there is none, or none may be read. */
export function nearestConfig(module: string): string | undefined {
  return projectOf(module)?.config;
}

/** The flags, beside that of its deno.json, by which a program elsewhere imports a module as its own project has it. */
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
  /** A package.json nearer than any deno.json, with node_modules beside it or modules that it names. */
  readonly hasPackages: boolean;
  /** The nearest package.json doesn't say that all beside it are ES modules: some may be CommonJS. */
  readonly mayBeCommonJs: boolean;
  readonly lock?: string;
  /** Its deno.json wants nothing run that its lock doesn't hold. */
  readonly isFrozen?: boolean;
}

const projects = new Map<string, Project | undefined>();

function projectOf(module: string): Project | undefined {
  return projects.getOrInsertComputed(module, search);
}

/** The folder of a module and those above it, up to the root; none if it isn't a file. */
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
        const lock = attempt(() => lockAbove(folder)); // it may not be looked for
        const file = new URL(config, folder);
        // A workspace brings its members' imports along, wherever their packages are.
        hasPackages ||= namesModules && !says(file, '"workspace"\\s*:');
        const isFrozen = says(file, '"frozen"\\s*:\\s*true');
        return { ...found(), config: pathOf(file), ...(lock !== undefined && { lock, isFrozen }) };
      }
      if (!isPackage) continue;
      hasPackages ||= has("node_modules")?.isDirectory === true;
      namesModules ||= says(packages, '"(?:imports|exports)"\\s*:');
    }
  } catch {
    // It may not be read.
  }
  hasPackages ||= namesModules;
  return hasPackages || mayBeCommonJs ? found() : undefined;
}

/** Whether a file of JSON, with comments or without, holds text of this pattern. */
function says(file: URL, pattern: string): boolean {
  return new RegExp(pattern).test(attempt(() => Deno.readTextFileSync(file)) ?? "");
}

/** What a program must be allowed to read to find out in which project a module stands. */
export function projectFiles(module: string): string[] {
  const names = [...CONFIGS, "package.json", "node_modules", "deno.lock"];
  return [...foldersOf(module)].flatMap((folder) =>
    names.map((name) => pathOf(new URL(name, folder)))
  );
}

/** Where everything lies that a thread's entry file imports; tests/structure_test.ts checks it. */
export const THREAD_FOLDERS: readonly URL[] = ["../lanes", "../tasks"].map((path) =>
  new URL(path, import.meta.url)
);

/** What is said where these may not be read. */
export const THREADS_NEED: string = `threads need --allow-read=${
  THREAD_FOLDERS.map(({ pathname }) => pathname).join(",")
}`;

/** What is said where one of these, or a subprocess's, isn't there. */
export const LEFT_OUT: string =
  "Was this program bundled or compiled? Leave this library out of the bundle (deno bundle --external), " +
  "or have that file compiled in (--include)";

/** The lock of a workspace stands above its members. */
function lockAbove(folder: URL): string | undefined {
  const locks = [...foldersOf(folder.href)].map((above) => new URL("deno.lock", above));
  const lock = locks.find((lock) => stat(lock)?.isFile);
  return lock && pathOf(lock);
}

function stat(file: URL): Deno.FileInfo | undefined {
  // Asking must not prompt.
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

/** Flags of the program that say what its modules mean; its tasks' modules are to mean the same. */
const MEANING =
  /^--(config|import-map|no-config|location|no-lock|lock|frozen|node-modules-dir|vendor|unstable|unstable-.+|no-npm|no-remote|conditions|cert|sloppy-imports)(=|$)/;

/** Has Deno load a module as CommonJS if it is one, unless its package.json says that it isn't. */
const DETECT = "unstable-detect-cjs";

export interface ProjectFlags {
  readonly flags: readonly string[];
  /** The same for a lock that doesn't hold all that the task imports, unless it is frozen. It is never written. */
  readonly unlocked: readonly string[];
}

/**
 * The flags by which a child runs tasks in their own project: those of this program where they can be
 * seen, else by what stands nearest to the first task's module.
 */
export function projectFlags(
  modules: readonly string[],
  config?: string,
  program: readonly string[] = programFlags() ?? [],
): ProjectFlags {
  // The caller's word goes before the program's.
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
    // Deno looks for a package.json's type only where one belongs to its own configuration.
    if (project?.mayBeCommonJs && !has(DETECT)) flags.push(`--${DETECT}`);
  }
  if (has("lock") || has("no-lock")) return { flags, unlocked: flags };
  const unlocked = [...flags, "--no-lock"];
  if (lock === undefined) return { flags: unlocked, unlocked };
  const locked = [...flags, "--frozen"];
  return { flags: locked, unlocked: isFrozen ? locked : unlocked };
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

const WHEN_LOADED = attempt(() => Deno.cwd());
const PATHS = /^(--(?:config|import-map|lock|cert)=)([^/].*)$/;

/** Relative paths of the command line are meant from where the program was started. */
function absolute(flag: string): string {
  const [, name, path] = PATHS.exec(flag) ?? [];
  if (path === undefined || WHEN_LOADED === undefined || URL.canParse(path)) return flag;
  return `${name}${WHEN_LOADED}/${path}`;
}

/** A path as it is meant now, wherever the program goes later; it may not be known where it is. */
export function fromHere(path: string): string {
  const here = attempt(() => Deno.cwd());
  const isWhole = path === "" || path.startsWith("/") || URL.canParse(path);
  return here === undefined || here.includes(",") || isWhole ? path : `${here}/${path}`;
}

/**
 * Code, as a module of its own, whose graph holds these modules; some are imported at once. A lane knows
 * the others from its start, so that loading them later needs no permission. They are not run before: one
 * that sets a timer, or throws, has its say when a task of it is wanted.
 */
export function preloadCode(modules: readonly string[], atOnce: readonly string[] = []): string {
  const now = atOnce.map((module) => `import ${JSON.stringify(module)};`);
  const later = [...new Set(modules)].filter(needsPreload)
    .map((module) => `()=>import(${JSON.stringify(module)});`);
  return `data:text/javascript,${encodeURIComponent([...now, ...later].join(""))}`;
}

/** Whether a lane without permissions can load a module only if it knows it: unlike data and packages. */
export function needsPreload(module: string): boolean {
  return !/^(data|npm|jsr|node):/.test(module);
}
