/** The fitted temperature against torch, the log loss against scikit-learn, and the ends of the range by hand. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ProbableOutcome } from '../../judge/evaluation/calibration.ts';
import { atTemperature, fittedTemperature, logLoss, temperatureRange } from '../../judge/evaluation/temperature.ts';

interface Case {
  readonly name: string;
  readonly probabilities: number[][];
  readonly labels: number[];
  readonly temperature: number;
  readonly before: number;
  readonly after: number;
  readonly calibrated: number[][];
}

const cases = JSON.parse(
  readFileSync(new URL('../fixtures/temperature/expected.json', import.meta.url), 'utf8'),
) as Case[];
const outcomesOf = ({ probabilities, labels }: Pick<Case, 'probabilities' | 'labels'>): ProbableOutcome[] =>
  probabilities.map((each, i) => ({ probabilities: each, labelIndex: labels[i] ?? -1 }));

describe.each(cases)('$name', (one) => {
  const outcomes = outcomesOf(one);

  it('is fitted to the temperature of torch, with the log loss of scikit-learn before and after', () => {
    const temperature = fittedTemperature(outcomes);
    const after = outcomes.map((each) => ({ ...each, probabilities: atTemperature(each.probabilities, temperature) }));
    expect(temperature).toBeCloseTo(one.temperature, 6);
    expect(logLoss(outcomes)).toBeCloseTo(one.before, 12);
    expect(logLoss(after)).toBeCloseTo(one.after, 10);
    one.calibrated.forEach((expected, i) => {
      expect(after[i]?.probabilities.map((p) => p.toFixed(6))).toEqual(expected.map((p) => p.toFixed(6)));
    });
  });
});

describe('worked by hand', () => {
  it('a judge that says 0.9 and is right in 3 of 4 becomes one that says 0.75: ln 9 / ln 3 = 2', () => {
    const outcomes = outcomesOf({ probabilities: Array(4).fill([0.9, 0.1]) as number[][], labels: [0, 0, 0, 1] });
    expect(fittedTemperature(outcomes)).toBeCloseTo(2, 9);
    expect(atTemperature([0.9, 0.1], 2)[0]).toBeCloseTo(0.75, 12);
  });

  it('a judge that is always right, and one that is worse than chance, end at the ends of the range', () => {
    expect(fittedTemperature(outcomesOf({ probabilities: [[0.6, 0.4]], labels: [0] }))).toBe(temperatureRange.min);
    expect(fittedTemperature(outcomesOf({ probabilities: [[0.6, 0.4]], labels: [1] }))).toBe(temperatureRange.max);
  });

  it('probabilities that say nothing have the temperature 1, and one that has underflowed is no reason to fail', () => {
    expect(fittedTemperature(outcomesOf({ probabilities: [[0.5, 0.5]], labels: [1] }))).toBe(1);
    const underflown = outcomesOf({
      probabilities: [...(Array(9).fill([1, 0]) as number[][]), [1, 0]],
      labels: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    });
    expect(fittedTemperature(underflown)).toBe(temperatureRange.max);
    expect(logLoss(underflown)).toBeCloseTo((52 * Math.LN2) / 10, 12);
    expect(atTemperature([0.5, 0.5, 0], 3)).toEqual([0.5, 0.5, 0]);
  });
});
