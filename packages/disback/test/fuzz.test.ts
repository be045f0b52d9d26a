import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";

// The short version of bench/fuzz.mjs, in this process: it works on the built package.
const bench = (name: string) => import(new URL(`../../../bench/fuzz/${name}.mjs`, import.meta.url).href);
const { runInputs } = await bench("run-inputs");
const { loadTarget, fileTargets } = await bench("targets");

const folder = mkdtempSync(join(tmpdir(), "disback-fuzz-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each(fileTargets as string[])(
  "%s: 200 broken files are read or refused by name, in little time and memory",
  async (name) => {
    const target = await loadTarget(name, mkdtempSync(join(folder, "target-")));
    const findings: object[] = [];
    const options = {
      name,
      seed: 2,
      first: 0,
      count: 200,
      onFinding: (finding: object) => findings.push(finding),
    };
    const tally = await runInputs(target, options);
    expect(findings).toEqual([]);
    expect(tally.refused).toBeGreaterThan(20);
    expect(tally.accepted + tally.refused).toBe(200);
  },
  300_000,
);
