import { assertEquals, assertThrows } from "@std/assert";
import {
  missingFlag,
  permissionNeeded,
  takePermissions,
} from "../../../lib/advice/job/job_permissions.ts";
import { UsageError } from "../../../lib/text/option_values.ts";

const absolute = (path: string) => `/home/${path}`;

Deno.test("takePermissions() hands flags on as Deno takes them, and leaves the rest", () => {
  const args = ["job.ts", "--allow-net", "--allow-read=a,b", "--allow-read=c", "--items", "5"];
  assertEquals(takePermissions(args, undefined, absolute), {
    permissions: { net: true, read: ["/home/a", "/home/b", "/home/c"] },
    rest: ["job.ts", "--items", "5"],
  });
});

Deno.test("takePermissions() leaves a script the flag that is its own", () => {
  const args = ["--allow-module", "jobs", "--allow-net", "--allow-module=data:"];
  const rest = ["--allow-module", "jobs", "--allow-module=data:"];
  assertEquals(takePermissions(args, "module"), { permissions: { net: true }, rest });
  assertThrows(() => takePermissions(args), UsageError, "--allow-module");
});

Deno.test("takePermissions() refuses a path in a folder with a comma, as Deno would take it for two", () => {
  const take = () => takePermissions(["--allow-read=c"], undefined, (path) => `/a,b/${path}`);
  assertThrows(take, UsageError, '--allow-read "c": it is /a,b/c, and Deno takes a comma');
});

Deno.test("takePermissions() says where a job asks for what is unstable", () => {
  const take = () => takePermissions(["job.ts", "--unstable-kv"]);
  assertThrows(take, UsageError, 'write "unstable": ["kv"] into the deno.json beside the job');
});

Deno.test("takePermissions() refuses unknown permissions and empty entries", () => {
  assertThrows(() => takePermissions(["--allow-fun"]), UsageError, "--allow-fun");
  assertThrows(() => takePermissions(["--allow-net="]), UsageError, "empty");
  assertThrows(() => takePermissions(["--allow-net=a,"]), UsageError, "empty");
  assertThrows(
    () => takePermissions(["--allow-env=A,,B"]),
    UsageError,
    '"A,,B": an empty',
  );
});

Deno.test("takePermissions() refuses what is no host, though this program may speak to all", () => {
  for (const host of ["example.org:99999", "example.org:port", "example.org/page", "a b"]) {
    assertThrows(() => takePermissions([`--allow-net=${host}`]), UsageError, host);
  }
  const hosts = ["example.org:80", "[::1]:80", "*.example.org", "10.0.0.0/8", ":80"];
  assertEquals(takePermissions([`--allow-net=${hosts}`]).permissions, { net: hosts });
});

Deno.test("missingFlag() reads the narrowest flag from Deno's message", () => {
  const said = (what: string) => missingFlag(`Requires ${what}, run again with the flag`)?.flag;
  assertEquals(said('read access to "/etc/hosts"'), "--allow-read=/etc/hosts");
  assertEquals(said('env access to "HOME"'), "--allow-env=HOME");
  assertEquals(said('import access to "a.example:443"'), "--allow-import=a.example:443");
  assertEquals(said("read access to <CWD>"), "--allow-read");
  assertEquals(said('read access to "/a,b"'), "--allow-read");
  assertEquals(missingFlag("something else"), undefined);
});

Deno.test("permissionNeeded() gives the flag as a shell takes it", () => {
  const error = { name: "NotCapable", message: 'Requires read access to "/my files", run again' };
  const { remedy } = permissionNeeded("item 3", error, "job.ts")!;
  assertEquals(remedy, "add '--allow-read=/my files'");
  const elsewhere =
    `${error.message} with the --allow-read flag, given to deno task lane on its machine`;
  const there = permissionNeeded("item 3", { ...error, message: elsewhere }, "job.ts")!;
  assertEquals(there.remedy, "add '--allow-read=/my files' to deno task lane on its machine");
});

Deno.test("takePermissions() refuses an address where a host belongs, and says which", () => {
  const take = () => takePermissions(["--allow-net=a.example,http://b.example:81/c"]);
  assertThrows(take, UsageError, "write --allow-net=b.example:81");
  const other = () => takePermissions(["--allow-import=https://b.example/c.ts"]);
  assertThrows(other, UsageError, "write --allow-import=b.example");
});
