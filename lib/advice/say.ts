/** Says the sentences of advice: another language is another file of texts. */

import { type Say, sayer } from "../text/fill.ts";
import texts from "./en.json" with { type: "json" };

export const say: Say<keyof typeof texts> = sayer(texts);
