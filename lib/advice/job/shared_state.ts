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

interface Node {
  readonly type: string;
  readonly loc: { readonly start: { readonly line: number } };
  readonly [part: string]: unknown;
}

/** A statement of a module, and the names in it. */
interface Statement {
  readonly node: Node;
  readonly refs: ReadonlySet<string>;
}

/** A name, and the module that it comes from; `from` is undefined for the module itself. */
interface Origin {
  readonly from?: string;
  readonly name: string;
}

interface Module {
  readonly url: string;
  readonly declared: ReadonlyMap<string, Statement>;
  readonly imports: ReadonlyMap<string, Origin>;
  readonly exports: ReadonlyMap<string, Origin | Statement>;
  readonly stars: readonly string[];
  /** Names that are exported, or that the module's own code uses for more than changing them. */
  readonly used: ReadonlySet<string>;
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
    const wanted = name === ALL ? [...module.exports.keys()] : [name];
    for (const each of wanted) {
      const found = module.exports.get(each);
      if (found === undefined) { for (const from of module.stars) await enter(from, each); }
      else if ("refs" in found) await visit(module, found);
      else if (found.from === undefined) await follow(module, found.name);
      else await enter(found.from, found.name);
    }
    if (name === ALL) { for (const from of module.stars) await enter(from, ALL); }
  };
  await enter(url, task);
  const shared = new Map(reached);
  // State that prepare() changes here isn't changed on lanes.
  await enter(url, "prepare");
  const isMade = (name: string) => [...reached.keys()].some(({ node }) => madeIn(node).has(name));
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
  const declared = new Map<string, Statement>();
  const imports = new Map<string, Origin>();
  const exports = new Map<string, Origin | Statement>();
  const stars: string[] = [];
  const used = new Set<string>();
  const pathOf = (source: unknown) => {
    const { value } = source as { value: string };
    return /^(\.{1,2}\/|file:)/.test(value) ? new URL(value, url).href : undefined;
  };
  for (const node of program.body as unknown as Node[]) {
    const from = node.source ? pathOf(node.source) : undefined;
    const specifiers = (node.specifiers ?? []) as Node[];
    if (node.type === "ImportDeclaration") {
      for (const { type, local, imported } of specifiers) {
        const name = type === "ImportSpecifier"
          ? nameOf(imported)
          : type === "ImportDefaultSpecifier"
          ? "default"
          : ALL;
        imports.set(nameOf(local), { ...(from && { from }), name });
      }
      continue;
    }
    if (node.type === "ExportAllDeclaration") {
      if (from !== undefined) stars.push(from);
      continue;
    }
    const declaration = (node.declaration ?? node) as Node;
    const whole = { type: "Program", loc: node.loc, body: declaration };
    const statement = { node: whole, refs: refsIn(whole) };
    usedIn(whole, used);
    const names = [...declaredBy(declaration)];
    for (const name of names) declared.set(name, statement);
    if (node.type === "ExportDefaultDeclaration") exports.set("default", statement);
    if (node.type !== "ExportNamedDeclaration") continue;
    for (const name of names) {
      exports.set(name, statement);
      used.add(name);
    }
    for (const { local, exported } of specifiers) {
      if (node.source && from === undefined) continue;
      exports.set(nameOf(exported), { ...(from && { from }), name: nameOf(local) });
    }
  }
  return { url, declared, imports, exports, stars, used };
}

const nameOf = (node: unknown) => {
  const { name, value } = node as { name?: string; value?: string };
  return name ?? value ?? "";
};

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

/** Whether a node is the name of a property, and not a reference. */
function isKey(node: Node, parent: Node): boolean {
  return parent.computed !== true &&
    (parent.property === node || parent.key === node && parent.shorthand !== true);
}

function refsIn(node: Node, refs = new Set<string>()): Set<string> {
  for (const part of partsOf(node)) {
    if (part.type === "Identifier" && !isKey(part, node)) refs.add(nameOf(part));
    refsIn(part, refs);
  }
  return refs;
}

/** Collects the names that are used for more than declaring them or changing their values. */
function usedIn(node: Node, used: Set<string>): void {
  const expression = node.type === "ExpressionStatement" ? node.expression as Node : undefined;
  const changed = expression && !/^(\?\?|&&|\|\|)=$/.test(`${expression.operator}`)
    ? [...changedBy(expression)]
    : [];
  for (const part of partsOf(node)) look(part, node);
  function look(part: Node, parent: Node) {
    const isNamed = part.type === "Identifier" && !isKey(part, parent) && part !== parent.id;
    if (isNamed && !changed.includes(part)) used.add(nameOf(part));
    if (part.type === "ExpressionStatement") return usedIn(part, used);
    for (const each of partsOf(part)) look(each, part);
  }
}

function* boundBy(pattern: Node | null): Generator<string> {
  if (pattern === null) return;
  const { type, left, argument, value } = pattern;
  if (type === "Identifier") yield nameOf(pattern);
  else if (type === "AssignmentPattern") yield* boundBy(left as Node);
  else if (type === "RestElement") yield* boundBy(argument as Node);
  else if (type === "ObjectProperty") yield* boundBy(value as Node);
  else if (type === "TSParameterProperty") yield* boundBy(pattern.parameter as Node);
  else {for (const part of (pattern.properties ?? pattern.elements ?? []) as Node[]) {
      yield* boundBy(part);
    }}
}

/** The names that a statement itself declares. */
function* declaredBy(node: Node): Generator<string> {
  const { type, declarations, id } = node;
  if (type === "VariableDeclaration") {
    for (const each of declarations as Node[]) yield* boundBy(each.id as Node);
  } else if (/Declaration$/.test(type) && id) yield nameOf(id);
}

/** The local names of a function: its parameters, and all that its blocks declare. */
function localsOf(fn: Node): Set<string> {
  const names = new Set<string>();
  const add = (of: Iterable<string>) => {
    for (const name of of) names.add(name);
  };
  if (fn.type === "FunctionExpression" && fn.id) names.add(nameOf(fn.id));
  for (const param of (fn.params ?? []) as Node[]) add(boundBy(param));
  const look = (node: Node) => {
    add(declaredBy(node));
    if (node.type === "CatchClause") add(boundBy((node.param ?? null) as Node | null));
    if (!isFunction(node)) { for (const part of partsOf(node)) look(part); }
  };
  for (const part of partsOf(fn)) look(part);
  return names;
}

/** Whether a statement makes a WeakMap or WeakSet of this name, whose entries belong to their keys. */
function isWeak(node: Node, name: string): boolean {
  const { type, id, init } = node;
  return type === "VariableDeclarator"
    ? nameOf(id) === name && /^Weak(Map|Set)$/.test(nameOf((init as Node | null)?.callee ?? {}))
    : !isFunction(node) && [...partsOf(node)].some((part) => isWeak(part, name));
}

/** A function that a statement makes of another one to keep its results, as lodash.memoize does. */
function memoizedIn(node: Node): Omit<SharedState, "module"> | undefined {
  if (isFunction(node)) return undefined;
  const { callee, type } = (node.type === "VariableDeclarator" && node.init || {}) as Node;
  const { property = callee } = (callee ?? {}) as Node;
  if (type === "CallExpression" && /memoi[sz]e/i.test(nameOf(property))) {
    return { name: nameOf(node.id), line: node.loc.start.line };
  }
  for (const part of partsOf(node)) {
    const found = memoizedIn(part);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether all functions that use what a module holds first fill it anew: nothing is left there for the next task. */
function isScratch(name: string, owner: Statement, { declared, exports }: Module): boolean {
  const statements = new Set([...declared.values(), ...exports.values()]);
  return !exports.has(name) &&
    [...statements].every((of) =>
      of === owner || !("refs" in of && of.refs.has(name)) || renews(of.node, name)
    );
}

function mentions(node: Node, name: string): boolean {
  return refsIn({ type: "Program", loc: node.loc, body: node }).has(name);
}

/** Whether what of a statement mentions a name is one function, the first statement of which gives it a new value. */
function renews(node: Node, name: string): boolean {
  const [first, second] = [...partsOf(isFunction(node) ? node.body as Node : node)]
    .filter((part) => mentions(part, name));
  if (first === undefined) return false;
  return isFunction(node) ? isRenewed(first, name) : second === undefined && renews(first, name);
}

/** Whether a statement gives a name, or all that it holds, a new value; of a list one by one, by a loop's own count. */
function isRenewed({ type, expression, init, body }: Node, name: string, count?: string): boolean {
  if (type === "ForStatement") {
    const [only, ...others] = (body as Node).type === "BlockStatement"
      ? [...partsOf(body as Node)]
      : [body as Node];
    const [counter] = init ? declaredBy(init as Node) : [];
    return only !== undefined && others.every((of) => !mentions(of, name)) &&
      isRenewed(only, name, counter);
  }
  const { type: kind, operator, left, right, callee, arguments: args } = (expression ?? {}) as Node;
  if (kind === "CallExpression") {
    const { object, property } = callee as Node;
    const list = args as Node[];
    return nameOf(object ?? {}) === name && list.every((of) => !mentions(of, name)) &&
      (list.length === 0 ? /^clear$/ : /^(?:fill|set)$/).test(nameOf(property)) && list.length < 2;
  }
  if (kind !== "AssignmentExpression" || operator !== "=" || mentions(right as Node, name)) {
    return false;
  }
  const { object, property, computed } = left as Node;
  return object === undefined ? nameOf(left) === name : nameOf(object) === name &&
    (computed
      ? count !== undefined && nameOf(property) === count
      : /^(?:length|lastIndex)$/.test(nameOf(property)));
}

/** The functions and classes that a module calls while it loads; what they hold lives on. */
function madeIn(node: Node, names = new Set<string>()): Set<string> {
  if (isFunction(node)) return names;
  const isCall = node.type === "CallExpression" || node.type === "NewExpression";
  if (isCall && (node.callee as Node).type === "Identifier") names.add(nameOf(node.callee));
  for (const part of partsOf(node)) madeIn(part, names);
  return names;
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
  const { line } = node.loc.start;
  for (const target of position.isLater && !isMadeOnce(node, position) ? changedBy(node) : []) {
    const isThis = target.type === "ThisExpression";
    const name = isThis ? "this" : nameOf(target);
    if (position.unset.includes(name)) continue;
    const at = position.scopes.findLastIndex(({ names }) => names.has(name));
    const isOuter = at >= 0 && at < position.scopes.length - 1;
    const isHeld = isThis ? position.thisLives : isOuter && position.scopes[at]!.lives;
    const [key] = (node.arguments ?? []) as Node[];
    const isOfOwn = key !== undefined && position.scopes.at(-1)!.names.has(nameOf(rootOf(key)));
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
    return { ...position, unset: [...position.unset, ...unsetIf(node.test as Node)] };
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
  return /^(\?\?|\|\|)=$/.test(`${operator}`) && (left as Node).type === "Identifier" &&
    isMadeAlone(right as Node, position);
}

/**
 * Whether code uses no values of the functions around it and awaits nothing, so that it makes the same in each
 * lane. An awaited value may be a connection or a login, of which there should be only one.
 */
function isMadeAlone(code: Node, { scopes }: Position): boolean {
  const own = localsOf(code);
  return !awaits(code) &&
    [...refsIn({ type: "Program", loc: code.loc, body: code })].every((name) =>
      own.has(name) || scopes.every(({ names }) => !names.has(name))
    );
}

function awaits(node: Node): boolean {
  return node.type === "AwaitExpression" || (!isFunction(node) && [...partsOf(node)].some(awaits));
}

/** The name that is empty if a condition holds, such as `!table` or `table === undefined`, or doesn't hold. */
function unsetIf({ type, operator, argument, left, right, name }: Node, isMet = true): string[] {
  if (type === "Identifier") return isMet ? [] : [`${name}`];
  if (type === "UnaryExpression") return isMet && operator === "!" ? [nameOf(argument)] : [];
  const isNothing = (isMet ? /^===?$/ : /^!==?$/).test(`${operator}`) &&
    ((right as Node).type === "NullLiteral" || nameOf(right) === "undefined");
  return isNothing ? [nameOf(left)] : [];
}

/** The name that is empty after an `if` that returns when it isn't. */
function unsetBehind({ type, test, consequent }: Node): string[] {
  if (type !== "IfStatement") return [];
  const { body } = consequent as Node;
  const last = (Array.isArray(body) ? body.at(-1) : consequent) as Node | undefined;
  return last?.type === "ReturnStatement" ? unsetIf(test as Node, false) : [];
}

/** The roots of the member chains that an expression changes. */
function* changedBy(node: Node): Generator<Node> {
  const { type, left, argument, callee, operator } = node;
  if (type === "AssignmentExpression" || /^For(Of|In)Statement$/.test(type)) {
    if ((left as Node).type !== "VariableDeclaration") yield* targetsOf(left as Node);
  } else if (type === "UpdateExpression" || type === "UnaryExpression" && operator === "delete") {
    yield* targetsOf(argument as Node);
  } else if (/^(Optional)?CallExpression$/.test(type)) {
    const { object, property } = callee as Node;
    const method = property ? nameOf(property) : "";
    const [first] = node.arguments as Node[];
    if (object && MUTATORS.has(method)) yield rootOf(object as Node);
    else if (object && first && CHANGERS.test(`${nameOf(object)}.${method}`)) yield rootOf(first);
  }
}

function* targetsOf(pattern: Node): Generator<Node> {
  const { type, left, argument, value } = pattern;
  if (type === "AssignmentPattern") yield* targetsOf(left as Node);
  else if (type === "RestElement") yield* targetsOf(argument as Node);
  else if (type === "ObjectProperty") yield* targetsOf(value as Node);
  else if (/Pattern$/.test(type)) {
    for (const part of (pattern.properties ?? pattern.elements) as (Node | null)[]) {
      if (part) yield* targetsOf(part);
    }
  } else yield rootOf(pattern);
}

/** The root of a member chain; a value that is got from a map counts as part of the map. */
function rootOf(node: Node): Node {
  const { object, expression, callee } = node;
  if (object) return rootOf(object as Node);
  if (expression) return rootOf(expression as Node);
  const isGet = callee && nameOf((callee as Node).property ?? {}) === "get";
  return isGet ? rootOf((callee as Node).object as Node) : node;
}
