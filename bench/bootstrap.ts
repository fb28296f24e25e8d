/**
 * `npm run bench -- bootstrap`: 10,000 resamples of 5,000 examples, one cluster per example, for the Macro-F1 of one
 * judge and the difference between two judges.
 */
import { Rng } from '../core/rng.ts';
import { type ClusteredOutcome, macroF1Interval } from '../judge/evaluation/statistics/bootstrap.ts';
import { pairedBootstrap } from '../judge/evaluation/statistics/paired-bootstrap.ts';
import { median } from './statistics.ts';

const exampleCount = 5_000;
const resampleCount = 10_000;
const repetitionCount = 5;
const labels = ['yes', 'no'];

function outcomes(accuracy: number, rng: Rng): ClusteredOutcome[] {
  return Array.from({ length: exampleCount }, (_, i) => {
    const label = labels[i % 2] ?? '';
    return { label, predicted: rng.chance(accuracy) ? label : 'yes', clusterKey: String(i) };
  });
}

export function bench(log: (line: string) => void) {
  const rng = new Rng('bench', 'bootstrap');
  const [first, second] = [outcomes(0.8, rng), outcomes(0.75, rng)];
  const measured = (work: () => unknown): number => {
    const startedAtMs = performance.now();
    work();
    return performance.now() - startedAtMs;
  };
  const intervalMs: number[] = [];
  const pairedMs: number[] = [];
  for (let i = 0; i < repetitionCount; i++) {
    intervalMs.push(measured(() => macroF1Interval(first, labels, resampleCount, new Rng('t'))));
    pairedMs.push(measured(() => pairedBootstrap(first, second, labels, resampleCount, new Rng('t'))));
    log(
      `${String(i + 1)} of ${String(repetitionCount)}: ${(intervalMs.at(-1) ?? 0).toFixed(0)} ms, paired ${(pairedMs.at(-1) ?? 0).toFixed(0)} ms`,
    );
  }
  return Promise.resolve({
    ...{ exampleCount, resampleCount, repetitionCount },
    intervalMs: median(intervalMs),
    pairedMs: median(pairedMs),
    limitMs: 2_000,
  });
}
