import { SiteError, siteWarnings, startSite } from "../../lib/site/start.ts";
import { granted } from "../granted.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";

const ignore = !granted("run", "net", "read");

Deno.test({
  name: "startSite() serves from a process of its own, which ends with it",
  ignore,
  fn: async () => {
    const site = await startSite({ latencyMs: 0, pageBytes: 50 });
    const urls = site.urls(2);
    const bodies = await Promise.all(urls.map(async (url) => (await fetch(url)).bytes()));
    assertEquals(bodies.map((body) => body.length), [50, 50, 50, 50]);
    assertEquals((await site.stats({ restart: true })).requests, 4);
    assertEquals((await site.stats()).requests, 0);
    await site.close();
    assertEquals((await site.ended).code, 0);
    await assertRejects(() => fetch(urls[0]!), TypeError);
  },
});

Deno.test({
  name: "startSite() lists both pages in turn, no address twice",
  ignore,
  fn: async () => {
    await using site = await startSite();
    const urls = site.urls(80);
    assertEquals([urls.length, new Set(urls).size], [160, 160]);
    assertMatch(urls[0]!, /\/page\/1\?copy=1$/);
    assertMatch(urls[1]!, /\/page\/2\?copy=1$/);
    assertMatch(urls[159]!, /\/page\/2\?copy=80$/);
  },
});

Deno.test({
  name: "startSite() says that the port is taken, and leaves no process behind",
  ignore,
  fn: async () => {
    await using site = await startSite();
    const port = Number(new URL(site.url).port);
    const error = await assertRejects(() => startSite({ port }), SiteError);
    assertEquals((error as SiteError).portProblem, "already in use");
    assertMatch(
      error.message,
      /^test site "127.0.0.1": Cannot start the test site: .+; run deno task site/,
    );
  },
});

Deno.test({
  name: "startSite()'s process ends when its parent is killed",
  ignore: ignore || Deno.build.os === "windows",
  fn: async () => {
    const start = new URL("../../lib/site/start.ts", import.meta.url).href;
    const parent = new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        `import { startSite } from "${start}"; const { url } = await startSite();
        console.log(url); setInterval(() => {}, 1_000);`,
      ],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = parent.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const url = (await reader.read()).value!.trim();
    // The body doesn't end while the site lives.
    const response = await fetch(`${url}/fault/stall-body`);
    parent.kill("SIGKILL");
    await assertRejects(() => response.bytes());
    await parent.status;
    await reader.cancel();
  },
});

Deno.test({
  name: "startSite() needs the right to run Deno, and says so",
  permissions: { run: false },
  fn: async () => {
    await assertRejects(() => startSite(), Deno.errors.NotCapable, "--allow-run");
  },
});

Deno.test("a site with pauses isn't called a bottleneck", () => {
  assertEquals(siteWarnings([]), []);
  assertEquals(siteWarnings([{ model: "limited", siteCpuMs: 79, runMs: 100 }]), []);
  assertEquals(siteWarnings([{ model: "limited", siteCpuMs: 0, runMs: 0 }]), []);
});

Deno.test("a site that was busy all the time is, under the model it limited alone", () => {
  const warnings = siteWarnings([
    { model: "concurrent", siteCpuMs: 98, runMs: 100 },
    { model: "limited", siteCpuMs: 20, runMs: 100 },
    { model: "concurrent", siteCpuMs: 110, runMs: 100 },
  ]);
  assertEquals(warnings.length, 1);
  assert(warnings[0]!.startsWith("Under concurrent the test site's own process was busy 100%"));
});

Deno.test("trials of one model are judged together", () => {
  const of = (siteCpuMs: number) => ({ model: "concurrent", siteCpuMs, runMs: 100 });
  assertEquals(siteWarnings([of(95), of(60)]), []);
  assertEquals(siteWarnings([of(95), of(66)]).length, 1);
});
