/**
 * `npm run bench -- fuzz [--runs N] [--seed S] [--reader NAME] [--blind] [--json]`: gives every reader of foreign bytes
 * N inputs (default 10,000) near valid ones or of their grammar, in processes that are ended if they hang. Inputs are
 * chosen by coverage unless they are blind. A finding is repeated with the same options, or from the smallest input that is
 * printed; of blind inputs, with `--runs 1 --seed` and its seed. Exit code 1 if a reader crashes or hangs.
 */
import { MtrlError } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import { fuzz, type FuzzResult } from './fuzz-run.ts';
import { fuzzTargetNames } from '../test/fuzz/target-table.ts';
import type { BenchOptions } from './main.ts';

const runCountDefault = 10_000;
/** Far longer than any reader takes, also on a machine with other work. */
const hangMs = 300_000;
const restartCountMax = 20;
/** Findings that are printed, of each reader. */
const shownCount = 10;

export async function bench(
  log: (line: string) => void,
  { runCount = runCountDefault, firstSeed = 0, reader, isBlind = false }: BenchOptions,
): Promise<{ readonly [key: string]: Json }> {
  const names = fuzzTargetNames.filter((name) => reader === undefined || name === reader);
  if (names.length === 0)
    throw new MtrlError('USAGE', '--reader names no reader', { found: reader ?? '', hint: fuzzTargetNames.join(', ') });
  const readers: Record<string, Json> = {};
  for (const name of names) {
    const result = await fuzz(name, { firstSeed, runCount, isGuided: !isBlind, hangMs, restartCountMax });
    log(lineOf(name, result));
    const findings = [...result.crashes, ...result.hangs].slice(0, shownCount);
    for (const { seed, error } of findings) log(`  seed ${String(seed)}: ${error.split('\n')[0] ?? ''}`);
    if (findings.length > 0) process.exitCode = 1;
    readers[name] = {
      ...result,
      refused: { ...result.refused },
      ...{ crashCount: result.crashes.length, hangCount: result.hangs.length },
      crashes: result.crashes.slice(0, shownCount).map((finding) => ({ ...finding })),
      hangs: result.hangs.slice(0, shownCount).map((finding) => ({ ...finding })),
    };
  }
  return { runCount, firstSeed, isGuided: !isBlind, readers };
}

function lineOf(name: string, { runCount, acceptedCount, refused, crashes, hangs, ...cost }: FuzzResult): string {
  const codes = Object.entries(refused)
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => `${String(count)} ${code}`);
  return [
    `${name}: ${String(runCount)} runs, ${String(acceptedCount)} accepted, refused: ${codes.join(', ') || 'none'}`,
    `${String(crashes.length)} crashes, ${String(hangs.length)} hangs`,
    `${String(cost.characterCount)} characters of code reached`,
    `peak ${String(Math.round(cost.peakByteLength / (1 << 20)))} MiB`,
    `slowest ${cost.slowestMs.toFixed(0)} ms (seed ${String(cost.slowestSeed)})`,
  ].join('; ');
}
