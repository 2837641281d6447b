import { assertEquals } from "@std/assert";
import { granted } from "../granted.ts";
import { importOf, printed } from "./small_program.ts";

/** What a program that was started so is kept from handing on, of each of these permissions. */
async function denied(flags: readonly string[], all: readonly unknown[]): Promise<unknown> {
  const code = `${importOf("deniedHere", "permissions.ts")}
    print(${JSON.stringify(all)}.map((each) => deniedHere(each) ?? null));`;
  return await printed(code, { flags: ["--no-config", ...flags] });
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !granted("read", "run"), fn });
}

test("what a program was denied is named, also where that is a part of what would be allowed", async () => {
  const flags = ["-A", "--deny-read=/etc/hosts", "--deny-env=SECRET", "--deny-net=a.example:80"];
  assertEquals(
    await denied(flags, [
      { read: true },
      { read: ["/tmp", "/etc"] },
      { env: ["HOME", "SECRET"] },
      { env: ["SEC*"] },
      { net: ["*.example"] },
      { net: ["b.example:80", "a.example"] },
      { net: [":80"] },
    ]),
    [
      { kind: "read" },
      { kind: "read", entry: "/etc" },
      { kind: "env", entry: "SECRET" },
      { kind: "env", entry: "SEC*" },
      { kind: "net", entry: "*.example" },
      { kind: "net", entry: "a.example" },
      { kind: "net", entry: ":80" },
    ],
  );
  const rest = [{}, {
    read: ["/tmp"],
    env: ["HOME"],
    net: ["b.example:80", "a.example:81"],
    write: true,
    run: true,
  }];
  assertEquals(await denied(flags, rest), [null, null]);
});

test("that Deno lets no program write to those that it may run is no denial", async () => {
  const flags = ["--allow-read", "--allow-write", `--allow-run=${Deno.execPath()}`];
  assertEquals(await denied(flags, [{ write: true }, { write: ["/"] }]), [null, null]);
  const all = ["-A", "--deny-write=/etc"];
  assertEquals(await denied(all, [{ write: true }]), [{ kind: "write" }]);
});

test("what a program just wasn't given itself is no denial", async () => {
  const all = [{ read: true, net: ["a.example", "*.example"], env: true, run: ["git"] }];
  assertEquals(await denied(["--allow-read"], all), [null]);
});
