/**
 * House rules that a machine can check: imports point one way and form no circle, lanes start without npm
 * packages, files say what they are.
 */

import { assertEquals } from "@std/assert";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** The order of imports: each folder may import only from itself and from those after it. */
const ORDER = [
  "scripts",
  "lib/cli",
  "lib/report",
  "lib/switching",
  "lib/scaling",
  "lib/running",
  "lib/advice",
  "lib/progress",
  "lib/timing",
  "lib/site",
  "lib/children",
  "lib/judge",
  "lib/executor",
  "lib/adaptive",
  "lib/dispatch",
  "lib/lanes",
  "lib/files",
  "lib/text",
  "leaves",
];

const BELOW_LANES = ORDER.slice(ORDER.indexOf("lib/lanes") + 1);

const granted = Deno.permissions.querySync({ name: "read" }).state === "granted";

function* files(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(ROOT + folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* files(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

function layerOf(path: string): string | undefined {
  if (/^lib\/(mod|loop|open|auto_options|executor|executor_options)\.ts$/.test(path)) {
    return "lib/executor";
  }
  if (/^lib\/tasks\/|^lib\/\w+\.ts$/.test(path)) return "leaves";
  return ORDER.find((layer) => path.startsWith(`${layer}/`));
}

/** The modules that a file imports, statically or later: paths below the root, or bare names. */
function importsOf(path: string): string[] {
  const code = Deno.readTextFileSync(ROOT + path).replaceAll(/\/\*[\s\S]*?\*\//g, "");
  const found = code.matchAll(
    /^\s*(?:import|export|\}).*?\bfrom\s+"([^"]+)"|^import "([^"]+)"|\bimport\("(\.[^"]+)"\)/gm,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? match[3]!).map((name) =>
    name.startsWith(".")
      ? relative(ROOT, fileURLToPath(new URL(name, `file://${ROOT}${path}`)))
      : name
  );
}

function check(name: string, fn: (paths: string[]) => string[]): void {
  Deno.test({
    name,
    ignore: !granted,
    fn: () => assertEquals(fn([...files("lib"), ...files("scripts")]), []),
  });
}

check("imports point down the list of layers, never up", (paths) =>
  paths.flatMap((path) => {
    const from = layerOf(path);
    if (from === undefined) return [];
    return importsOf(path).filter((target) => {
      const to = layerOf(target);
      if (to === undefined || to === from) return false;
      // Folders below lanes may import the types of tasks and kernels, and helpers to inspect values.
      if (BELOW_LANES.includes(from) && /^lib\/lanes\/(task|attempt)\.ts$/.test(target)) {
        return false;
      }
      return ORDER.indexOf(to) < ORDER.indexOf(from);
    }).map((target) => `${path} imports ${target}`);
  }));

check(
  "no file imports itself in a circle, imports of types counted in",
  (paths) => {
    const graph = new Map(paths.map((path) => [path, importsOf(path)]));
    const circles: string[] = [];
    const done = new Set<string>();
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) {
        circles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
        return;
      }
      if (done.has(path)) return;
      for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
      done.add(path);
    };
    for (const path of paths) visit(path, []);
    return circles;
  },
);

/** The imports of a file without those that only the compiler needs. */
function runtimeImports(path: string): string[] {
  const code = Deno.readTextFileSync(ROOT + path).replaceAll(/\/\*[\s\S]*?\*\//g, "");
  const found = code.matchAll(
    /^(?:import|export)\s+(?!type\b)([^";]*?)\s*from\s+"([^"]+)"|^import "([^"]+)"/gm,
  );
  return [...found]
    .filter(([_, names]) => names === undefined || !onlyTypes(names))
    .map((match) => match[2] ?? match[3]!)
    .map((name) =>
      name.startsWith(".")
        ? relative(ROOT, fileURLToPath(new URL(name, `file://${ROOT}${path}`)))
        : name
    );
}

function onlyTypes(names: string): boolean {
  const list = /^\{([\s\S]*)\}$/.exec(names.trim())?.[1];
  return list !== undefined &&
    list.split(",").map((name) => name.trim()).filter(Boolean).every((name) =>
      name.startsWith("type ")
    );
}

/** All files that are loaded together with a file, and by which file each is imported. */
function loadedWith(entry: string): Map<string, string> {
  const by = new Map([[entry, ""]]);
  // Iterating over a Map includes entries that are added meanwhile.
  for (const path of by.keys()) {
    if (!/^(lib|scripts)\//.test(path)) continue;
    for (const target of runtimeImports(path)) by.getOrInsert(target, path);
  }
  return by;
}

check("what runs in a lane, a measuring process or the site needs no npm package", (paths) => {
  const entries = paths.filter((path) =>
    /^lib\/tasks\/|^lib\/.*_main\.ts$|^lib\/lanes\/.*(streams|_server|_runner)\.ts$/.test(path)
  );
  return entries.flatMap((entry) =>
    [...loadedWith(entry)]
      .filter(([target]) => !/^(lib\/|node:|data:)/.test(target))
      .map(([target, by]) => `${entry} needs ${target}, by ${by}`)
  );
});

check(
  "the library loads nothing of Node's until that is needed, for it takes Deno long",
  () =>
    [...loadedWith("lib/mod.ts")].filter(([target]) => target.startsWith("node:"))
      .map(([target, by]) => `${by} imports ${target}`),
);

check(
  "a program that imports from loop.ts loads nothing of auto() and of lanes elsewhere",
  () =>
    [...loadedWith("lib/loop.ts")].filter(([target]) =>
      /^lib\/(adaptive|lanes\/(cluster|gpu|subprocess|worker|remote\/remote_))/.test(target)
    ).map(([target, by]) => `${by} imports ${target}`),
);

check("a script loads what it measures and reports with once its options are read", (paths) => {
  const scripts = paths.filter((path) => /^scripts\/(?!advise_check|mutate)\w+\.ts$/.test(path));
  const later = /^zod$|^lib\/(mod|open|executor)\.ts$|_report\.ts$/;
  return scripts.flatMap((script) =>
    [...loadedWith(script)]
      .filter(([target]) => later.test(target))
      .map(([target, by]) => `${script} loads ${target} at once, by ${by}`)
  );
});

check(
  "a thread's entry file imports nothing from where a job's process may not read",
  () =>
    [...loadedWith("lib/lanes/worker/worker_main.ts").keys()].filter((path) =>
      path.startsWith("lib/") && !/^lib\/(lanes|tasks)\//.test(path)
    ),
);

check("what files of lib share has a name of its own", (paths) => {
  const shared = paths.filter((path) => path.startsWith("lib/")).flatMap((path) => {
    const code = Deno.readTextFileSync(ROOT + path).replaceAll(/\/\*[\s\S]*?\*\//g, "");
    const found = code.matchAll(
      /^export (?:abstract |async )?(class|interface|type|function\*?|const) (\w+)/gm,
    );
    // A module of tasks names them, its setup and its kernel as users' modules do.
    const names = [...found].filter(([, kind]) =>
      !path.startsWith("lib/tasks/") || /^(?:class|interface|type)$/.test(kind!)
    ).map(([, , name]) => name);
    return Array.from(new Set(names), (name) => ({ name, path }));
  });
  return [...Map.groupBy(shared, ({ name }) => name)].filter(([, of]) => of.length > 1)
    .map(([name, of]) => `${name}: ${of.map(({ path }) => path).join(", ")}`);
});

check("every file of lib says what it is", (paths) =>
  paths.filter((path) => {
    if (!path.startsWith("lib/") || path.endsWith(".d.ts")) return false;
    const code = Deno.readTextFileSync(ROOT + path);
    return !/^(?:\/\/\/.*\n)*\/\*\*(?:[^*]|\*(?!\/))*\*\/\n\n/.test(code);
  }));

check("the map of the house names files and folders that there are", () => {
  const text = ["lib/README.md", "lib/lanes/cluster/README.md"]
    .map((map) => Deno.readTextFileSync(ROOT + map)).join();
  const named = [...text.matchAll(/`([\w./]+)`/g)].map((match) => match[1]!)
    .filter((name) => /\/$|\.ts$/.test(name));
  const has = (path: string) => {
    try {
      return Deno.statSync(path).isFile || path.endsWith("/");
    } catch {
      return false;
    }
  };
  // A name without a folder is that of a file in the same folder as another.
  const folders = ["", "lib/", ...ORDER.map((layer) => `${layer}/`)];
  return named.filter((name) => !folders.some((folder) => has(`${ROOT}${folder}${name}`)));
});

Deno.test({
  name: "these checks see the imports that there are",
  ignore: !granted,
  fn() {
    const run = importsOf("lib/dispatch/run.ts");
    assertEquals(run.includes("lib/dispatch/queue.ts") && run.includes("lib/lanes/lane.ts"), true);
    assertEquals(importsOf("scripts/io.ts").includes("lib/cli/run_comparisons.ts"), true);
    assertEquals(runtimeImports("lib/dispatch/run.ts").includes("lib/lanes/lane.ts"), false);
    assertEquals(runtimeImports("lib/dispatch/run.ts").includes("lib/dispatch/queue.ts"), true);
  },
});
