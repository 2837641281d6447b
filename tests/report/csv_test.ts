import { assertEquals } from "@std/assert";
import { csv } from "../../lib/report/document.ts";

Deno.test("a table has a row of names, an empty cell for what is missing, and no formula", () => {
  const columns = {
    name: ([name]: readonly [string, number | null]) => name,
    count: ([, count]: readonly [string, number | null]) => count,
    even: ([, count]: readonly [string, number | null]) =>
      count === null ? undefined : !(count % 2),
  };
  assertEquals(
    csv(columns, [["a,b", 0], ["=1+1", 1], [" @x", null], ["\uff1dx", -2]]),
    "name,count,even\r\n\"a,b\",0,true\r\n'=1+1,1,false\r\n' @x,,\r\n'\uff1dx,-2,true\r\n",
  );
  assertEquals(csv(columns, []), "name,count,even\r\n");
});
