import { assertEquals } from "@std/assert";
import { accesses, audited, startAudit } from "../../../lib/advice/probe/audit.ts";
import type { LanePermissions } from "../../../lib/lanes/permissions.ts";
import { granted } from "../../granted.ts";

const line = (permission: string, value: unknown) =>
  JSON.stringify({ v: 1, datetime: "2026-01-01T00:00:00Z", permission, value });

Deno.test("accesses() counts what was read and written, and minds no other lines", () => {
  const log = [
    line("read", "/a"),
    line("write", "/a"),
    line("write", "/a"),
    line("read", "/b"),
    line("net", "example.com"),
    line("write", null),
    "null",
    "what a program printed",
    line("write", "/c").slice(0, -9),
  ];
  assertEquals([...accesses(log.join("\n"))], [
    ["/a", { read: 1, write: 2 }],
    ["/b", { read: 1, write: 0 }],
  ]);
});

Deno.test("audited() names the root where all files are allowed", {
  ignore: Deno.build.os === "windows",
}, () => {
  assertEquals(audited<LanePermissions>({ read: true, write: ["a"], net: true }), {
    read: ["/"],
    write: ["a"],
    net: true,
  });
});

Deno.test({
  name:
    "sharedFiles() names what was often read and written, or only written, and has changed; its log is removed",
  ignore: !granted("read", "write"),
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "lanes-file-audit-" });
    try {
      const at = (name: string) => `${folder}/${name}`;
      const soon = new Date(Date.now() + 60_000);
      const texts = { old: "", changed: "", written: "", database: "SQLite format 3\0" };
      for (const [name, text] of Object.entries(texts)) {
        await Deno.writeTextFile(at(name), text);
        await Deno.utime(at(name), 1, name === "old" ? 1 : soon);
      }
      let log: string;
      {
        const startMs = Date.now();
        await using audit = (await startAudit())!;
        log = audit.env.DENO_AUDIT_PERMISSIONS;
        const both = [
          "old",
          "old",
          "old",
          "database",
          "database",
          "changed",
          "changed",
          "gone",
          "gone",
        ];
        const lines = [
          ...both.flatMap((name) => [line("read", at(name)), line("write", at(name))]),
          ...["written", "written", "written"].map((name) => line("write", at(name))),
        ];
        await Deno.writeTextFile(log, lines.join("\n"));
        const written = { path: at("written"), times: 3 };
        const rewritten = { path: at("changed"), times: 2 };
        const database = { path: at("database"), times: 2 };
        assertEquals(await audit.sharedFiles(2, startMs), { rewritten, written, database });
        assertEquals(await audit.sharedFiles(3, startMs), {
          rewritten: undefined,
          written,
          database,
        });
        const none = { rewritten: undefined, written: undefined };
        assertEquals(await audit.sharedFiles(4, startMs), { ...none, database }, "however often");
        assertEquals(await audit.usesNetwork(), false);
        await Deno.writeTextFile(log, line("net", "example.com"));
        assertEquals(await audit.usesNetwork(), true);
      }
      assertEquals(await Deno.stat(log).catch(() => "gone"), "gone");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "there is no log where no temporary file can be made, and nothing else is lost for it",
  ignore: !granted("run"),
  async fn() {
    const module = new URL("../../../lib/advice/probe/audit.ts", import.meta.url).href;
    const code = `const { startAudit } = await import(${JSON.stringify(module)});
      console.log(String(await startAudit()));`;
    const missing = "/no/such/folder";
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-lock", code],
      cwd: new URL("../../../", import.meta.url),
      env: { TMPDIR: missing, TEMP: missing, TMP: missing, NO_COLOR: "1" },
    }).output();
    assertEquals(new TextDecoder().decode(stdout), "undefined\n");
  },
});
