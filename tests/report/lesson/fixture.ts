/** A made-up lesson. */

import type { LessonFile } from "../../../lib/report/lesson/lesson_file.ts";
import type { Language } from "../../../lib/report/speaker.ts";
import { ENVIRONMENT } from "../../environment.ts";
import { cpuComparison, ioComparison } from "../fixture.ts";
import { switchFile } from "../switching/fixture.ts";

export function lessonFile(language: Language): Required<Omit<LessonFile, "partial">> {
  const { schemaVersion: _, kind: __, environment: ___, ...experiments } = switchFile();
  const cpu = cpuComparison();
  return {
    ...{ schemaVersion: 1, kind: "lesson", language, environment: ENVIRONMENT },
    io: ioComparison(),
    files: ioComparison(),
    cpu,
    small: {
      ...cpu,
      models: cpu.models.map((of) => ({ ...of, speedup: { median: 1, low: 0.8, high: 1.2 } })),
      verdict: { ...cpu.verdict!, bound: "small", recommended: "sequential" },
    },
    awaitCost: { plainMs: 1e-6, awaitedMs: 4e-5 },
    ...experiments,
  };
}
