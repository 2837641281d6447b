/**
 * Finds module state that a task's functions change: a counter, a cache, a connection that is opened once. Each
 * lane would have its own copy, so on lanes such a task gives the same results only by luck.
 *
 * State is found in the source, because running a task again to find out may have effects. The search follows
 * names from the task's export through its module and the modules imported by a path; it follows neither the
 * methods of values nor packages.
 */

import { titleOf } from "../../lanes/task.ts";
import type { JobSpec } from "../../timing/spec.ts";

/** State of a module that its functions change. */
export interface SharedState {
  readonly name: string;
  readonly module: string;
  readonly line: number;
}

/** A node of a syntax tree; parts are untyped, because only the type of the node says which ones it has. */
interface Node {
  readonly type: string;
  readonly loc: { readonly start: { readonly line: number } };
  // deno-lint-ignore no-explicit-any
  readonly [part: string]: any;
}

/** A statement of a module, and the names in it. */
interface Statement {
  readonly node: Node;
  readonly refs: ReadonlySet<string>;
}

/** A name, and the module that it comes from; `from` is undefined for the module itself. */
interface Origin {
  readonly from?: string | undefined;
  readonly name: string;
}

interface Module {
  readonly url: string;
  readonly declared: Map<string, Statement>;
  readonly imports: Map<string, Origin>;
  readonly exports: Map<string, Origin | Statement>;
  readonly stars: string[];
  /** Names that are exported, or that the module's own code uses for more than changing them. */
  readonly used: Set<string>;
}

/** Stands for all exports of a module. */
const ALL = "*";
const MUTATORS = new Set(
  ("add set delete clear push pop shift unshift splice sort reverse fill copyWithin next " +
    "getOrInsert getOrInsertComputed addEventListener addListener on once").split(" "),
);
/** Calls that change their first argument. */
const CHANGERS =
  /^(Object\.(assign|defineProperty)|Reflect\.set|Atomics\.(?!load$|wait|notify$)\w+)$/;
const GLOBALS = new Set(["globalThis", "self"]);

const LIBRARY = new URL("../../", import.meta.url).href;

/** Returns words such as "line 4 of job.ts changes cache". */
export function changeWords({ name, module, line }: SharedState): string {
  const what = name === "this" ? "its object (this)" : name;
  return `line ${line} of ${titleOf({ module, export: "default" })} changes ${what}`;
}

export function sharedWords(shared: SharedState): string {
  return `${changeWords(shared)}, and each lane would have its own`;
}

/** The state that a task shares in its module and in those that it imports by path, read from disk. */
export async function sharedBy(
  { module, export: name }: JobSpec["task"],
): Promise<SharedState | undefined> {
  return await sharedState(module, name, (url) => {
    // Modules of this library keep their own shared state in order, so they aren't searched.
    const isOthers = url.includes("/node_modules/") || url !== module && url.startsWith(LIBRARY);
    return isOthers ? Promise.reject() : Deno.readTextFile(new URL(url));
  });
}

/**
 * The first shared state that is found; undefined if there is none, or a source can't be read.
 *
 * @param url The module of the task. @param read Reads a module's source.
 */
export async function sharedState(
  url: string,
  task: string,
  read: (url: string) => Promise<string>,
): Promise<SharedState | undefined> {
  const modules = new Map<string, Promise<Module | undefined>>();
  const open = (url: string) =>
    modules.getOrInsertComputed(
      url,
      () => read(url).then((code) => moduleOf(url, code)).catch(() => undefined),
    );
  const reached = new Map<Statement, Module>();
  const visit = async (module: Module, statement: Statement): Promise<void> => {
    if (reached.has(statement)) return;
    reached.set(statement, module);
    for (const name of statement.refs) await follow(module, name);
  };
  const follow = async (module: Module, name: string): Promise<void> => {
    const declared = module.declared.get(name);
    if (declared !== undefined) return await visit(module, declared);
    const { from, name: there } = module.imports.get(name) ?? {};
    if (from !== undefined) await enter(from, there!);
  };
  const entered = new Set<string>();
  const enter = async (url: string, name: string): Promise<void> => {
    if (entered.has(`${name} ${url}`)) return;
    entered.add(`${name} ${url}`);
    const module = await open(url);
    if (module === undefined) return;
    for (const each of name === ALL ? module.exports.keys() : [name]) {
      const found = module.exports.get(each);
      if (found === undefined) break;
      if ("refs" in found) await visit(module, found);
      else if (found.from === undefined) await follow(module, found.name);
      else await enter(found.from, found.name);
    }
    if (name === ALL || !module.exports.has(name)) {
      for (const from of module.stars) await enter(from, name);
    }
  };
  await enter(url, task);
  const shared = new Map(reached);
  // State that prepare() changes here isn't changed on lanes.
  await enter(url, "prepare");
  const isMade = (name: string) => [...reached.keys()].some(({ node }) => makes(node, name));
  for (const [{ node }, module] of reached) {
    const { url, declared, imports, used } = module;
    for (const { name, line, isHeld, isOfOwn } of changesIn(node, isMade)) {
      const owner = declared.get(name);
      if (owner && isOfOwn && isWeak(owner.node, name)) continue;
      if (owner && !isHeld && isScratch(name, owner, module)) continue;
      // State that nothing reads, such as a mere count, makes no difference.
      const isShared = isHeld ||
        (owner
          ? shared.has(owner) && used.has(name)
          : imports.get(name)?.from !== undefined || GLOBALS.has(name));
      if (isShared) return { name, module: url, line };
    }
    const memo = memoizedIn(node);
    if (memo !== undefined) return { ...memo, module: url };
  }
  return undefined;
}

async function moduleOf(url: string, code: string): Promise<Module> {
  // Loaded only to parse a source: reports use this module's words without it.
  const { parse } = await import("@babel/parser");
  const jsx = /\.[jt]sx$/.test(url) ? ["jsx" as const] : [];
  const plugins = ["typescript" as const, "decorators" as const, ...jsx];
  const { program } = parse(code, { sourceType: "module", errorRecovery: true, plugins });
  const declared: Module["declared"] = new Map();
  const imports: Module["imports"] = new Map();
  const exports: Module["exports"] = new Map();
  const stars: string[] = [];
  const used = new Set<string>();
  for (const node of program.body as unknown as Node[]) {
    const { type, source, specifiers = [], declaration = node } = node;
    const isPath = /^(\.{1,2}\/|file:)/.test(source?.value ?? "");
    const from = isPath ? new URL(source.value, url).href : undefined;
    if (type === "ImportDeclaration") {
      for (const { type, local, imported } of specifiers) {
        const whole = type === "ImportDefaultSpecifier" ? "default" : ALL;
        imports.set(nameOf(local), { from, name: imported ? nameOf(imported) : whole });
      }
      continue;
    }
    if (type === "ExportAllDeclaration") {
      if (from !== undefined) stars.push(from);
      continue;
    }
    const whole = { type: "Program", loc: node.loc, body: declaration ?? node };
    const statement = { node: whole, refs: refsIn(whole) };
    for (const name of usedIn(whole)) used.add(name);
    for (const name of declaredBy(whole.body)) {
      declared.set(name, statement);
      if (type !== "ExportNamedDeclaration") continue;
      exports.set(name, statement);
      used.add(name);
    }
    if (type === "ExportDefaultDeclaration") exports.set("default", statement);
    for (const { local, exported } of source && !isPath ? [] : specifiers) {
      exports.set(nameOf(exported), { from, name: nameOf(local) });
    }
  }
  return { url, declared, imports, exports, stars, used };
}

/** The name of an identifier, or of a text in its place; empty for anything else. */
const nameOf = (node: Node | null | undefined): string => node?.name ?? node?.value ?? "";

function* partsOf(node: Node): Generator<Node> {
  for (const [key, part] of Object.entries(node)) {
    // Positions and comments aren't parts.
    if (key === "loc" || key.endsWith("Comments")) continue;
    for (const each of Array.isArray(part) ? part : [part]) {
      if (typeof each?.type === "string") yield each;
    }
  }
}

const isFunction = ({ type }: Node) => /Function|^(Class|Object)(Private)?Method$/.test(type);

/** A node and all that it consists of, each with the node that it is a part of. */
function* allOf(node: Node, parent: Node = node): Generator<readonly [node: Node, parent: Node]> {
  yield [node, parent];
  for (const part of partsOf(node)) yield* allOf(part, node);
}

/** The same without what is inside of functions: what runs at once. */
function* atOnce(node: Node): Generator<Node> {
  yield node;
  if (!isFunction(node)) { for (const part of partsOf(node)) yield* atOnce(part); }
}

/** Whether a node is a reference, and not the name of a property. */
function isRef(node: Node, parent: Node): boolean {
  const isKey = parent.computed !== true &&
    (parent.property === node || parent.key === node && parent.shorthand !== true);
  return node.type === "Identifier" && !isKey;
}

function refsIn(node: Node): Set<string> {
  return new Set(
    [...allOf(node)].filter(([of, parent]) => isRef(of, parent)).map(([of]) => of.name),
  );
}

/** The names that are used for more than declaring them or changing their values. */
function usedIn(node: Node): string[] {
  const all = [...allOf(node)];
  const changed = new Set(
    all.flatMap(([{ type, expression }]) =>
      type === "ExpressionStatement" && !/^(\?\?|&&|\|\|)=$/.test(expression.operator)
        ? [...changedBy(expression)]
        : []
    ),
  );
  return all.filter(([of, parent]) => isRef(of, parent) && of !== parent.id && !changed.has(of))
    .map(([of]) => of.name);
}

/** The innermost parts of what is assigned or declared, such as a, b and c.d of `[a, { b = 1, ...c.d }]`. */
function* leavesOf(pattern: Node | null): Generator<Node> {
  if (pattern === null) return;
  const { type, left, argument, value, parameter, properties, elements } = pattern;
  const inner: Record<string, (Node | null)[]> = {
    AssignmentPattern: [left],
    RestElement: [argument],
    ObjectProperty: [value],
    TSParameterProperty: [parameter],
    ObjectPattern: properties,
    ArrayPattern: elements,
  };
  const parts = inner[type];
  if (parts === undefined) yield pattern;
  else for (const part of parts) yield* leavesOf(part);
}

/** The names that a statement itself declares. */
function declaredBy({ type, declarations, id }: Node): string[] {
  if (type === "VariableDeclaration") {
    return declarations.flatMap((each: Node) => [...leavesOf(each.id)].map(nameOf));
  }
  return /Declaration$/.test(type) && id ? [nameOf(id)] : [];
}

/** The local names of a function: its parameters, and all that its blocks declare. */
function localsOf(fn: Node): Set<string> {
  const params: Node[] = [...fn.params ?? [], ...fn.type === "FunctionExpression" ? [fn.id] : []];
  const inside = [...partsOf(fn)].flatMap((part) => [...atOnce(part)]);
  const caught = inside.filter(({ type }) => type === "CatchClause").map(({ param = null }) =>
    param
  );
  const leaves = [...params, ...caught].flatMap((of) => [...leavesOf(of ?? null)]);
  return new Set([...leaves.map(nameOf), ...inside.flatMap(declaredBy)]);
}

/** Whether a statement makes a WeakMap or WeakSet of this name, whose entries belong to their keys. */
function isWeak(node: Node, name: string): boolean {
  return [...atOnce(node)].some(({ type, id, init }) =>
    type === "VariableDeclarator" && nameOf(id) === name &&
    /^Weak(Map|Set)$/.test(nameOf(init?.callee))
  );
}

/** A function that a statement makes of another one to keep its results, as lodash.memoize does. */
function memoizedIn(node: Node): Omit<SharedState, "module"> | undefined {
  const made = [...atOnce(node)].find(({ type, init }) =>
    type === "VariableDeclarator" && init?.type === "CallExpression" &&
    /memoi[sz]e/i.test(nameOf(init.callee.property ?? init.callee))
  );
  return made && { name: nameOf(made.id), line: made.loc.start.line };
}

/** Whether a statement calls a function or class of this name while it loads; what that holds lives on. */
function makes(node: Node, name: string): boolean {
  return [...atOnce(node)].some(({ type, callee }) =>
    /^(Call|New)Expression$/.test(type) && callee.type === "Identifier" && callee.name === name
  );
}

/** Whether all functions that use what a module holds first fill it anew: nothing is left there for the next task. */
function isScratch(name: string, owner: Statement, { declared, exports }: Module): boolean {
  const statements = new Set([...declared.values(), ...exports.values()]);
  return !exports.has(name) &&
    [...statements].every((of) =>
      of === owner || !("refs" in of && of.refs.has(name)) || renews(of.node, name)
    );
}

const mentions = (node: Node, name: string) => refsIn(node).has(name);

/** Whether what of a statement mentions a name is one function, the first statement of which gives it a new value. */
function renews(node: Node, name: string): boolean {
  const [first, second] = [...partsOf(isFunction(node) ? node.body : node)]
    .filter((part) => mentions(part, name));
  if (first === undefined) return false;
  return isFunction(node) ? isRenewed(first, name) : second === undefined && renews(first, name);
}

/** Whether a statement gives a name, or all that it holds, a new value; of a list one by one, by a loop's own count. */
function isRenewed({ type, expression, init, body }: Node, name: string, count?: string): boolean {
  if (type === "ForStatement") {
    const [only, ...others] = body.type === "BlockStatement" ? [...partsOf(body)] : [body];
    const [counter] = init ? declaredBy(init) : [];
    return only !== undefined && others.every((of: Node) => !mentions(of, name)) &&
      isRenewed(only, name, counter);
  }
  const { type: kind, operator, left, right, callee, arguments: args } = (expression ?? {}) as Node;
  const { object, property, computed } = (left ?? callee ?? {}) as Node;
  const isOfIt = nameOf(object) === name;
  if (kind === "CallExpression") {
    return isOfIt && !args.some((of: Node) => mentions(of, name)) && args.length < 2 &&
      (args.length === 0 ? /^clear$/ : /^(?:fill|set)$/).test(nameOf(property));
  }
  if (kind !== "AssignmentExpression" || operator !== "=" || mentions(right, name)) return false;
  if (object === undefined) return nameOf(left) === name;
  return isOfIt &&
    (computed
      ? count !== undefined && nameOf(property) === count
      : /^(?:length|lastIndex)$/.test(nameOf(property)));
}

interface Position {
  /** The local names of the functions around it, the nearest last; `lives`: as long as the module. */
  readonly scopes: readonly { readonly names: ReadonlySet<string>; readonly lives: boolean }[];
  /** Whether the code runs with each task, and not only while the module loads. */
  readonly isLater: boolean;
  /** Whether the value of `this` lives as long as the module. */
  readonly thisLives: boolean;
  /** Names that are still empty, and are filled here with what could also be made while the module loads. */
  readonly unset: readonly string[];
}

/** A change; `isHeld` if the module holds the changed value in a closure or an object, not by a name. */
interface Change {
  readonly name: string;
  readonly line: number;
  readonly isHeld: boolean;
  /** Whether an entry changes whose key belongs to the function, such as its lane's resource. */
  readonly isOfOwn: boolean;
}

type IsMade = (name: string) => boolean;

/** The changes by a statement's functions to what may live as long as the module. */
function* changesIn(
  node: Node,
  isMade: IsMade,
  position: Position = { scopes: [], isLater: false, thisLives: false, unset: [] },
): Generator<Change> {
  const { scopes } = position;
  const { line } = node.loc.start;
  for (const target of position.isLater && !isMadeOnce(node, position) ? changedBy(node) : []) {
    const isThis = target.type === "ThisExpression";
    const name = isThis ? "this" : nameOf(target);
    if (position.unset.includes(name)) continue;
    const at = scopes.findLastIndex(({ names }) => names.has(name));
    const isOuter = at >= 0 && at < scopes.length - 1;
    const isHeld = isThis ? position.thisLives : isOuter && scopes[at]!.lives;
    const [key] = node.arguments ?? [];
    const isOfOwn = key !== undefined && scopes.at(-1)!.names.has(nameOf(rootOf(key)));
    if (isHeld || at < 0 && target.type === "Identifier") yield { name, line, isHeld, isOfOwn };
  }
  let unset: readonly string[] = [];
  for (const part of partsOf(node)) {
    const isMadeHere = unset.length > 0 && isMadeAlone(part, position);
    const at = isMadeHere ? { ...position, unset: [...position.unset, ...unset] } : position;
    yield* changesIn(part, isMade, positionOf(part, node, at, isMade));
    unset = [...unset, ...unsetBehind(part)];
  }
}

function positionOf(part: Node, node: Node, position: Position, isMade: IsMade): Position {
  const { type } = part;
  const isInit = !position.isLater;
  if (node.type === "IfStatement" && part === node.consequent && isMadeAlone(part, position)) {
    return { ...position, unset: [...position.unset, ...unsetIf(node.test)] };
  }
  const id = part.id ?? (node.type === "VariableDeclarator" ? node.id : undefined);
  const isCalled = isInit && /^(Call|New)Expression$/.test(node.type) && node.callee === part;
  const lives = isCalled || isInit && id !== undefined && id !== null && isMade(nameOf(id));
  if (/^Class(Declaration|Expression)$/.test(type)) return { ...position, thisLives: lives };
  if (type === "ObjectExpression") return { ...position, thisLives: isInit };
  if (!isFunction(part)) return position;
  // An arrow function has the `this` of its surroundings, and a method that of its object.
  const isWithin = type === "ArrowFunctionExpression" || /Method$/.test(type) ||
    /Property$/.test(node.type);
  const thisLives = part.static === true ||
    isWithin && position.thisLives && part.kind !== "constructor";
  const scopes = [...position.scopes, { names: localsOf(part), lives }];
  return { ...position, scopes, isLater: !isCalled, thisLives };
}

/** Whether an expression fills a name that may be empty, as `table ??= make()` does. */
function isMadeOnce({ operator, left, right }: Node, position: Position): boolean {
  return /^(\?\?|\|\|)=$/.test(operator) && left.type === "Identifier" &&
    isMadeAlone(right, position);
}

/**
 * Whether code uses no values of the functions around it and awaits nothing, so that it makes the same in each
 * lane. An awaited value may be a connection or a login, of which there should be only one.
 */
function isMadeAlone(code: Node, { scopes }: Position): boolean {
  const own = localsOf(code);
  return ![...atOnce(code)].some(({ type }) => type === "AwaitExpression") &&
    [...refsIn(code)].every((name) =>
      own.has(name) || scopes.every(({ names }) => !names.has(name))
    );
}

/** The name that is empty if a condition holds, such as `!table` or `table === undefined`, or doesn't hold. */
function unsetIf({ type, operator, argument, left, right, name }: Node, isMet = true): string[] {
  if (type === "Identifier") return isMet ? [] : [name];
  if (type === "UnaryExpression") return isMet && operator === "!" ? [nameOf(argument)] : [];
  const isNothing = (isMet ? /^===?$/ : /^!==?$/).test(operator) &&
    (right.type === "NullLiteral" || nameOf(right) === "undefined");
  return isNothing ? [nameOf(left)] : [];
}

/** The name that is empty after an `if` that returns when it isn't. */
function unsetBehind({ type, test, consequent }: Node): string[] {
  if (type !== "IfStatement") return [];
  const { body } = consequent;
  const last = Array.isArray(body) ? body.at(-1) : consequent;
  return last?.type === "ReturnStatement" ? unsetIf(test, false) : [];
}

/** The roots of the member chains that an expression changes. */
function changedBy({ type, left, argument, callee, operator, arguments: args }: Node): Node[] {
  if (type === "AssignmentExpression" || /^For(Of|In)Statement$/.test(type)) {
    return left.type === "VariableDeclaration" ? [] : [...leavesOf(left)].map(rootOf);
  }
  if (type === "UpdateExpression" || type === "UnaryExpression" && operator === "delete") {
    return [rootOf(argument)];
  }
  if (!/^(Optional)?CallExpression$/.test(type) || !callee.object) return [];
  const { object, property } = callee;
  const [first] = args;
  if (MUTATORS.has(nameOf(property))) return [rootOf(object)];
  return first && CHANGERS.test(`${nameOf(object)}.${nameOf(property)}`) ? [rootOf(first)] : [];
}

/** The root of a member chain; a value that is got from a map counts as part of the map. */
function rootOf(node: Node): Node {
  const { object, expression, callee } = node;
  if (object) return rootOf(object);
  if (expression) return rootOf(expression);
  return nameOf(callee?.property) === "get" ? rootOf(callee.object) : node;
}
