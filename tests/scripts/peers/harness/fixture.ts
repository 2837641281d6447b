/** A made-up race. */

import type { PeersFile, PeersRow } from "../../../../scripts/peers/harness/peers_report.ts";
import { ENVIRONMENT } from "../../../environment.ts";

function row(contender: string, more: Partial<PeersRow>): PeersRow {
  return {
    family: "io",
    contest: "160 pages that take 50 ms, all at once",
    contender,
    ours: false,
    unit: "ms",
    better: "less",
    figures: [],
    figure: null,
    ratio: null,
    aim: null,
    trouble: null,
    ...more,
  };
}

const around = (median: number) => ({ median, low: median * 0.9, high: median * 1.1 });

export function peersFile(): PeersFile {
  const pools = { family: "pools", contest: "tasks that do nothing", unit: "items/s" };
  const more = { ...pools, better: "more" as const };
  const python = {
    ...more,
    ...{ family: "python", contest: "sums in Python 3.14.0 with its GIL", unit: "M squares/s" },
    ...{ figures: [16], figure: around(16) },
  };
  return {
    schemaVersion: 1,
    kind: "peers",
    environment: ENVIRONMENT,
    rounds: 3,
    rows: [
      row("workers({ lanes: 2 })", { ...more, ours: true, figures: [8e6], figure: around(8e6) }),
      row("piscina 5", {
        ...more,
        figures: [2e4],
        figure: around(2e4),
        ratio: around(400),
        aim: { of: "ratio", atLeast: 50, met: true, unsure: false },
      }),
      row("for loop", { ...python, ratio: around(40) }),
      row("ThreadPoolExecutor(2)", {
        ...python,
        ratio: around(40),
        overLoop: { median: 0.98, low: 0.95, high: 1.01 },
      }),
      row("ProcessPoolExecutor(2)", { ...python, ratio: around(21), overLoop: around(1.9) }),
      row("concurrent()", { ours: true, figures: [64, 65], figure: around(64) }),
      row("a hand-written loop", { figures: [50, 51], figure: around(50), ratio: around(1.28) }),
      row("another loop", { figures: [64], figure: around(64), ratio: around(1) }),
      row("aiohttp gather", {
        trouble: { kind: "not installed", reason: "no such module; pip install aiohttp" },
      }),
      row("undici", {
        figures: [64],
        figure: around(64),
        ratio: around(1),
        besides: { p99Ms: 71.5, peakRssBytes: 84e6, connections: 64 },
      }),
    ],
  };
}
