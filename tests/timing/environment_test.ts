import { assertEquals } from "@std/assert";
import {
  describeMachine,
  noProxyOf,
  notesOf,
  proxyNotes,
  reachThisMachineDirectly,
  type ReadEnv,
} from "../../lib/timing/environment.ts";
import { granted } from "../granted.ts";

Deno.test("describeMachine() tells what needs no permission", async () => {
  const environment = await describeMachine({}, () => 0);
  assertEquals(environment.startedAt, "1970-01-01T00:00:00.000Z");
  assertEquals(environment.deno, Deno.version.deno);
  assertEquals(environment.lanesAvailable, navigator.hardwareConcurrency);
});

Deno.test({
  name: "describeMachine() asks for no permission and leaves out what it may not know",
  permissions: "none",
  async fn() {
    const environment = await describeMachine();
    assertEquals([environment.loadAverage, environment.cpuModel], [undefined, undefined]);
  },
});

Deno.test("describeMachine() notes the limit that a meter found", async () => {
  const { notes = [] } = await describeMachine({ quota: 1.5, memoryBytes: 4e8 });
  assertEquals(notes[0], "A cgroup limits this process to 1.5 CPUs and 400 MB of memory.");
});

Deno.test("notesOf() notes CPUs that may not be used, and a load of more than half of those that may", () => {
  const noted = (...of: Parameters<typeof notesOf>) =>
    notesOf(...of).filter((note) => /^(This process|The load|A cgroup)/.test(note));
  assertEquals(noted(2, 2, 1, {}), []);
  assertEquals(noted(4, 4, undefined, {}), []);
  assertEquals(noted(4, 2, 1.1, { quota: 1 }), [
    "A cgroup limits this process to 1 CPU.",
    "This process may use 2 of the machine's 4 CPUs.",
    "The load average was 1.10 at the start: others used the CPUs just before.",
  ]);
});

const envOf = (values: Record<string, string>): ReadEnv => (name) => values[name];

Deno.test("without a proxy nothing is changed, and nothing said", () => {
  assertEquals(noProxyOf(envOf({ NO_PROXY: "a.example" })), undefined);
  assertEquals(noProxyOf(envOf({ HTTP_PROXY: "" })), undefined);
  assertEquals(proxyNotes(envOf({ NO_PROXY: "a.example" })), []);
});

Deno.test("this machine is reached without a proxy, and what was excepted stays so", () => {
  assertEquals(
    noProxyOf(envOf({ http_proxy: "http://p:3128", no_proxy: "a.example, localhost" })),
    "a.example,localhost,127.0.0.1,::1",
  );
  assertEquals(
    noProxyOf(envOf({ ALL_PROXY: "http://p:3128", NO_PROXY: "b.example", no_proxy: "a.example" })),
    "b.example,127.0.0.1,localhost,::1",
  );
});

Deno.test("a proxy is named without its password", () => {
  const [note, other] = proxyNotes(
    envOf({ HTTP_PROXY: "http://me:secret@proxy.example:3128/", https_proxy: "proxy.example:1" }),
  );
  assertEquals(
    note,
    "HTTP_PROXY is set: requests go through proxy.example:3128, but for those to this machine.",
  );
  assertEquals(other!.includes("https_proxy"), true);
  assertEquals(note!.includes("secret"), false);
});

Deno.test({
  name: "a process reaches this machine directly if it may say so",
  ignore: !granted("run", "read"),
  async fn() {
    const module = new URL("../../lib/timing/environment.ts", import.meta.url).href;
    const noProxyWith = async (env: Record<string, string>) => {
      const { stdout } = await new Deno.Command(Deno.execPath(), {
        args: [
          "eval",
          `import { reachThisMachineDirectly } from "${module}"; reachThisMachineDirectly();
           console.log(Deno.env.get("NO_PROXY") ?? "nothing");`,
        ],
        env: { HTTP_PROXY: "", NO_PROXY: "a.example", ...env },
      }).output();
      return new TextDecoder().decode(stdout).trim();
    };
    assertEquals(await noProxyWith({}), "a.example");
    const proxy = { HTTP_PROXY: "http://127.0.0.1:9" };
    assertEquals(await noProxyWith(proxy), "a.example,127.0.0.1,localhost,::1");
  },
});

Deno.test({
  name: "a process that may not touch the environment leaves it alone",
  permissions: "none",
  fn: () => reachThisMachineDirectly(),
});
