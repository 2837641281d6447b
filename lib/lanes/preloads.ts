/**
 * The modules that a lane knows from its start, so that loading them later needs no permission. They
 * are not run before: one that sets a timer, or throws, has its say when a task of it is wanted.
 */

/** Code, as a module of its own, whose graph holds these modules; some are imported at once. */
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
