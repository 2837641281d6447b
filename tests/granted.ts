/** The permissions of this test run, so that tests without theirs are ignored instead of failing. */

/**
 * The permissions that are missing.
 *
 * @param names The permissions of a test; `net` means this machine's loopback interface.
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
 * @param names Its permissions; `net` means this machine's loopback interface.
 */
export function granted(...names: readonly Deno.PermissionName[]): boolean {
  return missing(...names).length === 0;
}

/**
 * Whether this test run has all permissions, which Deno requires for `/proc`, and playwright-core needs for the
 * system.
 */
export function grantedAll(): boolean {
  const names = ["read", "write", "net", "env", "sys", "run", "ffi"] as const;
  return names.every((name) => Deno.permissions.querySync({ name }).state === "granted");
}

/** Whether a program is installed and may be run; the arguments have it end at once. */
export async function hasProgram(program: string, ...args: readonly string[]): Promise<boolean> {
  if (!granted("run")) return false;
  try {
    const command = new Deno.Command(program, { args: [...args], stdin: "null" });
    return (await command.output()).success;
  } catch {
    return false; // an absent program throws at once
  }
}
