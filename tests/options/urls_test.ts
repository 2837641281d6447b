import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UsageError } from "../../lib/options.ts";
import { hostsOf, requireNet, urlsIn } from "../../lib/options/urls.ts";
import { granted } from "../granted.ts";

const allowed = granted("read", "write");

async function withFile(text: string, use: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test({
  name: "a list of addresses may have comments, blank lines and any line ends",
  ignore: !allowed,
  fn: () =>
    withFile("\ufeff# mine\r\nhttp://a.test/1\r\n\n  http://a.test/2  \n", async (path) => {
      const urls = await urlsIn("--urls", path);
      assertEquals(urls.map(({ href }) => href), ["http://a.test/1", "http://a.test/2"]);
    }),
});

Deno.test({
  name: "an empty list, one of comments, and a line that is no address are refused",
  ignore: !allowed,
  async fn() {
    for (const text of ["", "\n\n", "# none\n"]) {
      await withFile(text, async (path) => {
        const error = await assertRejects(() => urlsIn("--urls", path), UsageError);
        assertStringIncludes(error.message, "no address in it");
      });
    }
    await withFile("http://a.test/\nfile:///etc/passwd\n", async (path) => {
      const error = await assertRejects(() => urlsIn("--urls", path), UsageError);
      assertStringIncludes(error.message, "--urls, line 2");
    });
  },
});

Deno.test("hosts carry the port that their scheme implies, each once", () => {
  const urls = ["http://a.test/1", "http://a.test/2", "https://a.test/", "http://[::1]:8000/"];
  assertEquals(hostsOf(urls.map((url) => new URL(url))), [
    "a.test:80",
    "a.test:443",
    "[::1]:8000",
  ]);
});

Deno.test({
  name: "a host that may not be reached is refused with the command that works",
  permissions: { net: ["127.0.0.1"] },
  ignore: Deno.stdin.isTerminal() ||
    Deno.permissions.querySync({ name: "net", host: "127.0.0.1" }).state !== "granted",
  async fn() {
    await requireNet("--url", [new URL("http://127.0.0.1:1/")], "run deno task io:web");
    const error = await assertRejects(
      () => requireNet("--url", [new URL("https://example.org/a")], "run deno task io:web"),
      UsageError,
    );
    assertStringIncludes(error.message, "example.org:443");
    assertStringIncludes(error.message, "run deno task io:web");
  },
});
