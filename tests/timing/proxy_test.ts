import { assertEquals } from "@std/assert";
import { granted } from "../granted.ts";
import {
  noProxyOf,
  proxyNotes,
  reachThisMachineDirectly,
  type ReadEnv,
} from "../../lib/timing/proxy.ts";

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
    const module = new URL("../../lib/timing/proxy.ts", import.meta.url).href;
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
