import { assert, assertEquals } from "@std/assert";
import { advise, WAITING } from "./advise_job.ts";
import { mayRunScripts } from "./run_script.ts";

const ignore = !mayRunScripts;

for (
  const [what, result] of [
    ["whose results are always the same", "n"],
    [
      "whose results differ, so that some items are run from last to first",
      "n + 100 * (calls = before + 1)",
    ],
  ]
) {
  Deno.test({
    name: `advise runs no item more often than it announced and says, of a job ${what}`,
    ignore,
    fn: async () => {
      const folder = await Deno.makeTempDir({ prefix: "lanes-advise-" });
      try {
        const code = `${WAITING}let calls = 0;
        export default async (n) => {
          const before = calls;
          // Long enough for a race, however slowly lanes start.
          for (let i = 0; i < 4; i++) await wait();
          Deno.writeTextFileSync(${JSON.stringify(`${folder}/ran`)} + n, "x", { append: true });
          return ${result};
        };`;
        const { stdout, stderr } = await advise(code, [`--allow-write=${folder}`, "--items", "9"]);
        const announced = Number(/each at most (\d+) times/.exec(stderr)?.[1]);
        // On a busy machine no time may be left for a race.
        const [, times] = /ran more than (once|\d+ times)/.exec(stdout.replaceAll(/\s+/g, " "))!;
        const said = times === "once" ? 1 : parseInt(times!);
        assert(said <= announced, `${said} > ${announced}`);
        for (const { name } of Deno.readDirSync(folder)) {
          const ran = Deno.readTextFileSync(`${folder}/${name}`).length;
          assert(ran <= said, `${name} ran ${ran} times, ${said} were told`);
        }
        assertEquals([...Deno.readDirSync(folder)].length, 9);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
