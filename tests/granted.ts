/** What this test run may do, so that tests which may not run are ignored instead of failing. */

/**
 * The permissions that are missing.
 *
 * @param names What a test needs; `net` means this machine's loopback interface.
 */
function missing(...names: readonly Deno.PermissionName[]): Deno.PermissionName[] {
  return names.filter((name) => {
    const wanted = name === "net" ? { name, host: "127.0.0.1" } as const : { name };
    return Deno.permissions.querySync(wanted as Deno.PermissionDescriptor).state !== "granted";
  });
}

/**
 * Whether a test may run.
 *
 * @param names What it needs; `net` means this machine's loopback interface.
 */
export function granted(...names: readonly Deno.PermissionName[]): boolean {
  return missing(...names).length === 0;
}

/**
 * Whether this test run may do everything: what Deno asks for `/proc`, and playwright-core of its
 * system.
 */
export function grantedAll(): boolean {
  const names = ["read", "write", "net", "env", "sys", "run", "ffi"] as const;
  return names.every((name) => Deno.permissions.querySync({ name }).state === "granted");
}
