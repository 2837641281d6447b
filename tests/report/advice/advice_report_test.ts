import { assertEquals, assertStringIncludes } from "@std/assert";
import { adviceReport } from "../../../lib/report/advice/advice_report.ts";
import { adviceFileOf } from "../../advice/advice_file.ts";
import { adviceOn, asPredicted } from "../../advice/advice_on.ts";

const advice = await adviceOn({ computeMs: 20 }, asPredicted);

Deno.test("adviceReport() has a row for each model, and marks the recommended one", () => {
  const lines = adviceReport(adviceFileOf(advice)).markdown().split("\n");
  const rows = lines.filter((line) => line.startsWith("| ")).slice(2);
  assertEquals(
    rows.map((row) => row.split(" | ")[0]),
    advice.models.map(({ name }) => `| ${name}`),
  );
  const marked = rows.filter((row) => row.endsWith("| ← recommended |"));
  assertEquals(marked.map((row) => row.split(" | ")[0]), [`| ${advice.recommended.name}`]);
});

Deno.test("adviceReport() holds the code as it is, and the command that runs it", () => {
  const text = adviceReport(adviceFileOf({ ...advice, flags: ["--allow-read=/a b"] })).markdown();
  assertStringIncludes(text, `\n\`\`\`ts\n${advice.code}\`\`\`\n`);
  assertStringIncludes(text, "deno run '--allow-read=/a b' job&#95;run.ts");
});

Deno.test("adviceReport() tells what is missing, and hazards", () => {
  const hazards = [{ kind: "memory", text: "It needs 1 GB." }] as const;
  const text = adviceReport(adviceFileOf({ ...advice, hazards, partial: "it was interrupted" }))
    .markdown();
  assertStringIncludes(text, "\nPartial: it was interrupted.\n");
  assertStringIncludes(text, "#### Hazards seen\n\n- It needs 1 GB.\n");
});
