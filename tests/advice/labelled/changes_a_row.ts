/** Increments a number in a database with a wait between: tasks in flight lose updates. @module */
import { DatabaseSync } from "node:sqlite";
import { numbers, wait } from "./compute.ts";

const file = new URL("./changes_a_row.tmp", import.meta.url).pathname;
let open: DatabaseSync | undefined;

export function prepare(): void {
  const database = new DatabaseSync(file);
  database.exec("create table if not exists counts (n integer)");
  database.exec("delete from counts; insert into counts values (0)");
  database.close();
}

export const items = numbers(80);

export default async function (item: number): Promise<number> {
  open ??= new DatabaseSync(file);
  const { n } = open.prepare("select n from counts").get() as { n: number };
  await wait(12);
  open.prepare("update counts set n = ?").run(n + 1);
  return item;
}
