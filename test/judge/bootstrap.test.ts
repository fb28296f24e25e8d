import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { macroF1Interval, type ClusteredOutcome } from '../../judge/evaluation/statistics/bootstrap.ts';
import { macroF1 } from '../../judge/evaluation/macro-f1.ts';

const labels = ['yes', 'no'];

/** Independent judgments with the given accuracy, in clusters of the given size. */
function judgments(count: number, accuracy: number, clusterSize: number, seed: number): ClusteredOutcome[] {
  const rng = new Rng('judgments', seed);
  return Array.from({ length: count }, (_, i) => {
    const label = rng.pick(labels);
    const isRight = rng.chance(accuracy);
    return {
      label,
      predicted: isRight === (label === 'yes') ? 'yes' : 'no',
      clusterKey: String(Math.floor(i / clusterSize)),
    };
  });
}

const width = ([low, high]: readonly [number, number]): number => high - low;

describe('the bootstrap interval', () => {
  test('contains its score, within [0, 1], for any judgments', () => {
    const label = fc.constantFrom(...labels);
    const outcome = fc.record({
      label,
      predicted: fc.option(label, { nil: undefined }),
      clusterKey: fc.constantFrom('a', 'b', 'c', 'd'),
    });
    fc.assert(
      fc.property(fc.array(outcome, { minLength: 1, maxLength: 30 }), fc.nat(), (outcomes, seed) => {
        const [low, high] = macroF1Interval(outcomes, labels, 100, new Rng('test', seed));
        const point = macroF1(outcomes, labels);
        expect(low).toBeLessThanOrEqual(point);
        expect(high).toBeGreaterThanOrEqual(point);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('is as wide as normal theory predicts for balanced accuracy', () => {
    // The standard error of a share of .8 over 600 is .0163: 95 % within +-.032.
    const interval = macroF1Interval(judgments(600, 0.8, 1, 1), labels, 2000, new Rng('test'));
    expect(width(interval)).toBeGreaterThan(0.055);
    expect(width(interval)).toBeLessThan(0.075);
  });

  test('is wider if judgments are clustered: copies of one judgment are not evidence', () => {
    const single = judgments(150, 0.8, 1, 2);
    const copied = single.flatMap((one) => [one, one, one, one]);
    const copiesAlone = copied.map((one, i) => ({ ...one, clusterKey: String(i) }));
    const clustered = macroF1Interval(copied, labels, 1000, new Rng('test'));
    expect(width(clustered)).toBeCloseTo(width(macroF1Interval(single, labels, 1000, new Rng('test'))), 2);
    expect(width(clustered)).toBeGreaterThan(1.6 * width(macroF1Interval(copiesAlone, labels, 1000, new Rng('test'))));
  });

  test('is the same for equal seeds and differs for different ones', () => {
    const outcomes = judgments(80, 0.7, 2, 3);
    const of = (seed: number): readonly [number, number] =>
      macroF1Interval(outcomes, labels, 300, new Rng('test', seed));
    expect(of(1)).toEqual(of(1));
    expect(of(1)).not.toEqual(of(2));
  });

  test('is a point if every judgment is right', () => {
    const outcomes = ['yes', 'no', 'yes', 'no'].map((label) => ({ label, predicted: label, clusterKey: 'one' }));
    expect(macroF1Interval(outcomes, labels, 100, new Rng('test'))).toEqual([1, 1]);
  });
});
