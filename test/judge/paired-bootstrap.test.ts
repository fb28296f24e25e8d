import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { macroF1Interval, type ClusteredOutcome } from '../../judge/evaluation/statistics/bootstrap.ts';
import { macroF1 } from '../../judge/evaluation/macro-f1.ts';
import { pairedBootstrap } from '../../judge/evaluation/statistics/paired-bootstrap.ts';

const labels = ['yes', 'no'];

/** Clusters of the given size whose examples share a difficulty: the accuracy of a cluster is .95 or .55. */
function clustered(clusterCount: number, clusterSize: number, rng: Rng): ClusteredOutcome[] {
  return Array.from({ length: clusterCount }, (_, cluster) => {
    const accuracy = rng.chance(0.6) ? 0.95 : 0.55;
    return Array.from({ length: clusterSize }, () => {
      const label = rng.pick(labels);
      const isRight = rng.chance(accuracy);
      return { label, predicted: isRight === (label === 'yes') ? 'yes' : 'no', clusterKey: String(cluster) };
    });
  }).flat();
}

const simulationCount = 1_000;
const holds = ([low, high]: readonly [number, number], value: number): boolean => low <= value && value <= high;

describe('95 % intervals of simulated clustered data cover the truth 93 to 97 % of the time', () => {
  test('for Macro-F1', () => {
    const rng = new Rng('simulation');
    // The labels are symmetric: the Macro-F1 of infinite data is the accuracy, .6 * .95 + .4 * .55.
    const truth = 0.79;
    let covered = 0;
    for (let i = 0; i < simulationCount; i++) {
      const outcomes = clustered(120, 4, rng);
      if (holds(macroF1Interval(outcomes, labels, 400, new Rng('bootstrap', i)), truth)) covered++;
    }
    expect(covered / simulationCount).toBeGreaterThan(0.93);
    expect(covered / simulationCount).toBeLessThan(0.97);
  });

  test('for the difference of two equal judges, with a difference claimed in 3 to 7 % of cases', () => {
    const rng = new Rng('paired simulation');
    let covered = 0;
    let claimed = 0;
    for (let i = 0; i < simulationCount; i++) {
      const first = clustered(120, 4, rng);
      // The other judge errs as often, on other examples of the same clusters.
      const second = first.map((outcome) => {
        const isRight = rng.chance(0.79);
        return { ...outcome, predicted: isRight === (outcome.label === 'yes') ? 'yes' : 'no' };
      });
      const { ci95, p } = pairedBootstrap(first, second, labels, 400, new Rng('bootstrap', i));
      if (holds(ci95, 0)) covered++;
      if (p < 0.05) claimed++;
    }
    expect(covered / simulationCount).toBeGreaterThan(0.93);
    expect(covered / simulationCount).toBeLessThan(0.97);
    expect(claimed / simulationCount).toBeGreaterThan(0.03);
    expect(claimed / simulationCount).toBeLessThan(0.07);
  });
});

describe('the paired bootstrap', () => {
  const label = fc.constantFrom(...labels);
  const verdict = fc.option(label, { nil: undefined });
  const row = fc.record({ label, first: verdict, second: verdict, clusterKey: fc.constantFrom('a', 'b', 'c', 'd') });

  test('is mirrored if the two judges are swapped', () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 30 }), fc.nat(), (rows, seed) => {
        const first = rows.map((each) => ({ ...each, predicted: each.first }));
        const second = rows.map((each) => ({ ...each, predicted: each.second }));
        const one = pairedBootstrap(first, second, labels, 60, new Rng('test', seed));
        const other = pairedBootstrap(second, first, labels, 60, new Rng('test', seed));
        expect(one.difference).toBeCloseTo(macroF1(first, labels) - macroF1(second, labels), 12);
        expect(one.ci95[0]).toBeCloseTo(-other.ci95[1], 12);
        expect(one.p).toBe(other.p);
      }),
      { numRuns: 60 },
    );
  });

  test('distinguishes two judges with overlapping intervals if one has all errors of the other and more', () => {
    const rng = new Rng('nested');
    const worse = clustered(100, 2, rng);
    const better = worse.map((one, i) => (i % 10 < 2 ? { ...one, predicted: one.label } : one));
    const [a, b] = [better, worse].map((each) => macroF1Interval(each, labels, 500, new Rng('t')));
    expect(a?.[0]).toBeLessThan(b?.[1] ?? 0);
    const { ci95, p } = pairedBootstrap(better, worse, labels, 500, new Rng('t'));
    expect(ci95[0]).toBeGreaterThan(0);
    expect(p).toBeLessThan(0.05);
  });

  test('claims no difference of a judge to itself', () => {
    const outcomes = clustered(20, 2, new Rng('same'));
    expect(pairedBootstrap(outcomes, outcomes, labels, 100, new Rng('t'))).toEqual({
      difference: 0,
      ci95: [0, 0],
      p: 1,
    });
  });
});

test('gives the same interval for 10,000 resamples of 5,000 examples again', () => {
  const outcomes = clustered(5_000, 1, new Rng('large'));
  const of = (): readonly [number, number] => macroF1Interval(outcomes, labels, 10_000, new Rng('t'));
  const first = of();
  expect(first[0]).toBeLessThan(first[1]);
  expect(of()).toEqual(first);
});
