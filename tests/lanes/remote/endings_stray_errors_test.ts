import { assertEquals } from "@std/assert";
import { granted } from "../../granted.ts";

const MODULE = new URL("../../../lib/lanes/remote/endings.ts", import.meta.url).href;

/** The first events of a thread that runs this code: messages it posts, and errors that reach its parent. */
async function played(code: string, answers: number): Promise<unknown[]> {
  const main = `
    import { onStrayError } from ${JSON.stringify(MODULE)};
    onStrayError((how, error) => postMessage([how, String(error)]));
    const say = (...words) => postMessage(words);
    addEventListener("message", () => say("lives"));
    ${code}
  `;
  const seen: unknown[] = [];
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(main)}`, { type: "module" });
  try {
    await new Promise<void>((resolve) => {
      const note = (what: unknown) => {
        seen.push(what);
        if (seen.length === answers) resolve();
        else if (seen.length === answers - 1) worker.postMessage("do you live?");
      };
      worker.onmessage = ({ data }) => note(data);
      worker.onerror = (event) => {
        event.preventDefault();
        note(event.message);
      };
    });
    return seen;
  } finally {
    worker.terminate();
  }
}

/** Code that fails outside every task. */
const THROWS = `setTimeout(() => { throw new RangeError("x") });`;
const REJECTS = `void Promise.reject(new RangeError("x"));`;

function test(name: string, code: string, wanted: readonly unknown[]): void {
  Deno.test({
    name,
    ignore: !granted("read"),
    fn: async () => assertEquals(await played(code, wanted.length), wanted),
  });
}

const THREW = ["threw outside the task", "RangeError: x"];
const LEFT = ["left a rejection unhandled", "RangeError: x"];

test("an error in a timer is told, and doesn't end the thread in silence", THROWS, [
  THREW,
  ["lives"],
]);

test("a rejection that nobody handles is told, with its reason", REJECTS, [LEFT, ["lives"]]);

test("what is reported by hand is told as what is thrown", `reportError(new RangeError("x"));`, [
  THREW,
]);

test(
  "an error that a listener of later on handles is not told",
  `addEventListener("error", (event) => { event.preventDefault(); say(event.error.message) });
   ${THROWS}`,
  [["x"], ["lives"]],
);

test(
  "a rejection that a listener of later on handles is not told",
  `addEventListener("unhandledrejection", (event) => {
     event.preventDefault();
     say(event.reason.message, event.promise instanceof Promise);
   });
   ${REJECTS}`,
  [["x", true], ["lives"]],
);

test(
  "a handler that is a property handles too",
  `onunhandledrejection = (event) => { event.preventDefault(); say("handled") };
   ${REJECTS}`,
  [["handled"], ["lives"]],
);

test(
  "a listener that only looks sees it once, with all that is known, and it is told all the same",
  `addEventListener("error", ({ message, error, lineno, colno, filename }) =>
     say(message, error.message, lineno > 0, colno > 0, filename.startsWith("data:")));
   ${THROWS}`,
  [["Uncaught RangeError: x", "x", true, true, true], THREW, ["lives"]],
);

test(
  "an error that Node's way handles is not told",
  `import process from "node:process";
   process.on("uncaughtException", (error) => say("node", error.message));
   ${THROWS}`,
  [["node", "x"], ["lives"]],
);

test(
  "a rejection that Node's way handles is not told",
  `import process from "node:process";
   process.on("unhandledRejection", (reason) => say("node", reason.message));
   ${REJECTS}`,
  [["node", "x"], ["lives"]],
);

test(
  "what is of use to Node's way without handling anything changes nothing",
  `import process from "node:process";
   process.on("exit", () => {});
   ${REJECTS}`,
  [LEFT, ["lives"]],
);
