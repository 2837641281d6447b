import { assertEquals, assertThrows } from "@std/assert";
import { Checker } from "../../lib/dispatch/checker.ts";

/** The error text of a check; undefined if the check passes. */
function said(check: (by: Checker) => void): string | undefined {
  try {
    check(new Checker("open limited()"));
    return undefined;
  } catch (error) {
    assertEquals(error instanceof RangeError, true);
    return (error as Error).message.replace("Cannot open limited(): ", "");
  }
}

Deno.test("what a checker throws names the action, the option, its value and what it must be", () => {
  const check = new Checker("open limited()");
  check.is("slots", 3, true, "a whole number");
  const refused = () => check.is("slots", "3", false, "a whole number");
  assertThrows(
    refused,
    RangeError,
    'Cannot open limited(): slots must be a whole number, but is "3"',
  );
  check.known({ slots: 1 }, ["slots"]);
  const unknown = () => check.known({ lanes: 1 }, ["slots", "graceMs"]);
  assertThrows(
    unknown,
    RangeError,
    "Cannot open limited(): there is no option lanes; there are slots, graceMs",
  );
});

Deno.test("a count is a whole number in its range, or any number of them", () => {
  const count = (value: unknown, least: number, most?: number) =>
    said((by) => by.count("slots", value as number, least, most));
  assertEquals([count(1, 1), count(0, 0), count(9, 1, 9), count(Infinity, 1)], [
    ...new Array(4).fill(undefined),
  ]);
  assertEquals(count(0, 1), "slots must be a whole number from 1, but is 0");
  assertEquals(count(10, 1, 9), "slots must be a whole number from 1 to 9, but is 10");
  assertEquals(count(Infinity, 0, 9), "slots must be a whole number from 0 to 9, but is Infinity");
  for (const value of [-1, 1.5, NaN, "3", null, 2 ** 53]) {
    assertEquals(typeof count(value, 1), "string", `${value}`);
  }
});

Deno.test("a time is any number from 0, or above it", () => {
  const time = (value: unknown, from?: "from" | "above") =>
    said((by) => by.time("graceMs", value as number, from));
  assertEquals([time(0), time(0.5), time(Infinity), time(1e-9, "above")], [
    ...new Array(4).fill(undefined),
  ]);
  assertEquals(time(0, "above"), "graceMs must be a number of milliseconds above 0, but is 0");
  assertEquals(time(-1), "graceMs must be a number of milliseconds from 0, but is -1");
  for (const value of [NaN, "5", null, 5n]) assertEquals(typeof time(value), "string", `${value}`);
});

Deno.test("what is true or false, or a function, may be left out", () => {
  const flag = (value: unknown) => said((by) => by.flag("rerun", value));
  const fn = (value: unknown) => said((by) => by.fn("onProgress", value));
  assertEquals([flag(true), flag(false), flag(undefined)], [undefined, undefined, undefined]);
  assertEquals([fn(() => {}), fn(undefined)], [undefined, undefined]);
  assertEquals(flag(0), "rerun must be true or false, but is 0");
  assertEquals(fn(null), "onProgress must be a function, but is null");
});

Deno.test("options that are no object are refused by what they are options of", () => {
  const known = (options: unknown, prefix?: string) =>
    said((by) => by.known(options as object, ["limit"], prefix));
  assertEquals(known(5), "options must be an object, but is 5");
  assertEquals(known(null, "retries."), "retries must be an object, but is null");
  const there = "there is no option retries.most; there are limit";
  assertEquals([known({ most: 1 }, "retries."), known({ limit: 1 }, "retries.")], [
    there,
    undefined,
  ]);
});
