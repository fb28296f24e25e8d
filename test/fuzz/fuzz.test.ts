/**
 * The short form of `npm run bench -- fuzz`: every reader of foreign bytes gets some inputs near valid ones or of their
 * grammar. None crashes, no row is lost, and every refusal has a code.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type FuzzTargetName, fuzzTargetNames, fuzzTargets } from './target-table.ts';

/** Inputs that a request to the model, a processor or a decoder make dear are fewer. */
const runCounts: Partial<Record<FuzzTargetName, number>> = { bodies: 40, gguf: 60, 'checkpoint-files': 120 };
const runCountDefault = 200;

describe.each(fuzzTargetNames)('%s', (name) => {
  const runCount = runCounts[name] ?? runCountDefault;

  it(`${String(runCount)} inputs: no crash, and refusals with codes`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mtrl-fuzz-'));
    const target = await fuzzTargets[name](folder);
    const outcomes = new Map<string, number>();
    try {
      for (let seed = 0; seed < runCount; seed++) {
        const { outcome } = await target.run(seed);
        expect(outcome, `seed ${String(seed)}`).not.toHaveProperty('error');
        const key = outcome.kind === 'refused' ? outcome.code : outcome.kind;
        outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
      }
    } finally {
      await target.close();
      rmSync(folder, { recursive: true, force: true });
    }
    // The inputs are neither harmless nor always fatal.
    const acceptedCount = outcomes.get('accepted') ?? 0;
    expect(acceptedCount, JSON.stringify([...outcomes])).toBeGreaterThan(runCount / 100);
    expect(runCount - acceptedCount, JSON.stringify([...outcomes])).toBeGreaterThan(runCount / 20);
  });
});
