import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { brierScore, calibrationBins, expectedCalibrationError } from '../../judge/evaluation/calibration.ts';
import { holmAdjusted } from '../../judge/evaluation/statistics/holm.ts';
import { kendallTauB } from '../../judge/evaluation/statistics/kendall.ts';
import { mcNemar } from '../../judge/evaluation/statistics/mcnemar.ts';
import { pearson } from '../../judge/evaluation/statistics/pearson.ts';
import { rationaleAgreement, stanceOf } from '../../judge/evaluation/rationale-agreement.ts';
import { majority, sampleScores } from '../../judge/evaluation/several-samples.ts';
import { spearman } from '../../judge/evaluation/statistics/spearman.ts';
import { chiSquareTail, fairCoinTail } from '../../judge/evaluation/statistics/special-functions.ts';
import { fixtures, outcomesOf } from './metric-fixtures.ts';

describe('matches scipy, scikit-learn and statsmodels', () => {
  test.each(fixtures.mcnemar)('on the McNemar test of $name', ({ labels, first, second, expected }) => {
    const found = mcNemar(outcomesOf(labels, first), outcomesOf(labels, second));
    expect(found.onlyFirstCorrect).toBe(expected.onlyFirstCorrect);
    expect(found.onlySecondCorrect).toBe(expected.onlySecondCorrect);
    for (const part of ['exactP', 'chiSquareCorrected', 'chiSquareCorrectedP'] as const)
      expect(found[part]).toBeCloseTo(expected[part], 11);
  });

  test.each(fixtures.tails.chiSquare)('on the chi-square tail of %d', (x, p) => {
    expect(Math.abs(chiSquareTail(x) - p)).toBeLessThanOrEqual(1e-11 * p);
  });

  test.each(fixtures.tails.fairCoin)('on the tail of %d or fewer heads in %d tosses', (k, n, p) => {
    expect(Math.abs(fairCoinTail(k, n) - p)).toBeLessThanOrEqual(1e-10 * p);
  });

  test.each(fixtures.correlation)('on correlations, $name', ({ first, second, expected }) => {
    expect(pearson(first, second)).toBeCloseTo(expected.pearson, 12);
    expect(spearman(first, second)).toBeCloseTo(expected.spearman, 12);
    expect(kendallTauB(first, second)).toBeCloseTo(expected.kendallTauB, 12);
  });

  test('on the Brier score of two labels and of three', () => {
    const { probabilities, outcomes, expected } = fixtures.brier;
    const binary = probabilities.map((p, i) => ({ probabilities: [1 - p, p], labelIndex: outcomes[i] ?? 0 }));
    expect(brierScore(binary)).toBeCloseTo(expected, 12);
    expect(brierScore(threeLabels())).toBeCloseTo(fixtures.calibration.expected.brier, 12);
  });

  test('on the calibration error', () => {
    const bins = calibrationBins(threeLabels());
    expect(bins.map(({ count }) => count)).toEqual(fixtures.calibration.expected.counts);
    expect(expectedCalibrationError(bins)).toBeCloseTo(fixtures.calibration.expected.ece, 12);
  });

  test.each(fixtures.holm)('on Holm’s correction of $pValues', ({ pValues, expected }) => {
    holmAdjusted(pValues).forEach((p, i) => {
      expect(p).toBeCloseTo(expected[i] ?? NaN, 12);
    });
  });

  test('on the majority vote of several samples, and on the likeliest sample', () => {
    const { classes, labels, verdicts, logProbs, expected } = fixtures.samples;
    const { sampleCount, ...rates } = sampleScores(labels, verdicts, logProbs, classes);
    expect(sampleCount).toBe(7);
    for (const [name, value] of Object.entries(rates))
      expect(value).toBeCloseTo(expected[name as keyof typeof rates], 12);
  });
});

function threeLabels() {
  const { probabilities, outcomes } = fixtures.calibration;
  return probabilities.map((each, i) => ({ probabilities: each, labelIndex: outcomes[i] ?? 0 }));
}

describe('for any numbers', () => {
  const p = fc.double({ min: 0, max: 1, noNaN: true });

  test('Holm keeps the order of p-values, lowers none, and equals Bonferroni for the smallest', () => {
    fc.assert(
      fc.property(fc.array(p, { minLength: 1, maxLength: 12 }), (pValues) => {
        const adjusted = holmAdjusted(pValues);
        const smallest = pValues.indexOf(Math.min(...pValues));
        expect(adjusted[smallest]).toBeCloseTo(Math.min(1, (pValues[smallest] ?? 0) * pValues.length), 12);
        pValues.forEach((a, i) => {
          expect(adjusted[i]).toBeGreaterThanOrEqual(a);
          expect(adjusted[i]).toBeLessThanOrEqual(1);
          pValues.forEach((b, j) => {
            if (a < b) expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j] ?? 0);
          });
        });
      }),
    );
    expect(holmAdjusted([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
  });

  test('correlations lie in [-1, 1], are invariant under increasing linear maps, and change sign with one side', () => {
    const series = fc.array(fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 })), {
      maxLength: 15,
    });
    fc.assert(
      fc.property(series, (pairs) => {
        const [a, b] = [pairs.map(([x]) => x), pairs.map(([, y]) => y)];
        for (const correlation of [pearson, spearman, kendallTauB]) {
          const found = correlation(a, b);
          const turned = correlation(
            a.map((x) => 3 * x + 1),
            b.map((y) => -y),
          );
          if (found === undefined) expect(turned).toBeUndefined();
          else {
            expect(Math.abs(found)).toBeLessThanOrEqual(1 + 1e-12);
            expect(turned).toBeCloseTo(-found, 9);
          }
        }
      }),
    );
  });

  test('a McNemar test does not depend on the order of the judges', () => {
    const verdict = fc.constantFrom('yes', 'no', null);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('yes', 'no'), verdict, verdict), { maxLength: 30 }), (rows) => {
        const first = rows.map(([label, a]) => ({ label, predicted: a ?? undefined }));
        const second = rows.map(([label, , b]) => ({ label, predicted: b ?? undefined }));
        const [one, other] = [mcNemar(first, second), mcNemar(second, first)];
        expect(one.exactP).toBe(other.exactP);
        expect(one.onlyFirstCorrect).toBe(other.onlySecondCorrect);
        expect(one.exactP).toBeGreaterThan(0);
        expect(one.exactP).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('a certain and correct judge has calibration error 0 and Brier score 0', () => {
    const sure = [0, 1, 1].map((labelIndex) => ({ probabilities: labelIndex === 0 ? [1, 0] : [0, 1], labelIndex }));
    expect(brierScore(sure)).toBe(0);
    expect(expectedCalibrationError(calibrationBins(sure))).toBe(0);
  });
});

describe('several samples', () => {
  test('unparsable samples do not vote, and the earliest verdict wins a tie', () => {
    expect(majority([undefined, undefined, 'no'], ['yes', 'no'])).toBe('no');
    expect(majority(['no', 'yes'], ['yes', 'no'])).toBe('no');
    expect(majority([undefined], ['yes', 'no'])).toBeUndefined();
  });

  test('pass@1, maj@1 and pass@k are equal for one sample', () => {
    const scores = sampleScores(['yes', 'no'], [['yes'], [undefined]], [[-1], [-2]], ['yes', 'no']);
    expect(scores).toMatchObject({ passAt1: 0.5, passAtK: 0.5, majAtK: 0.5, likeliestOfK: 0.5, agreement: 0.5 });
  });

  test('the likeliest answer counts, at any position and against any majority', () => {
    const verdicts = [
      ['no', 'yes', 'no'],
      ['yes', undefined, 'yes'],
    ];
    const logProbs = [
      [-9, -4, -5],
      [-7, -3, -8],
    ];
    expect(sampleScores(['yes', 'yes'], verdicts, logProbs, ['yes', 'no'])).toMatchObject({
      likeliestOfK: 0.5,
      majAtK: 0.5,
    });
  });
});

describe('a rationale', () => {
  const cues = { yes: ['sharp', 'in focus'], no: ['blurred'] };

  test('supports the label whose cue comes last, as a whole word', () => {
    expect(stanceOf('not blurred but Sharp', cues)).toBe('yes');
    expect(stanceOf('sharp at first, then blurred.', cues)).toBe('no');
    expect(stanceOf('sharpened', cues)).toBeUndefined();
  });

  test('contradicts if it supports another label, and is silent without a cue', () => {
    const judged = (rationale: string, verdict: string) => ({ ok: true, rationale, verdict }) as const;
    const judgments = [
      judged('sharp', 'yes'),
      judged('blurred', 'yes'),
      judged('hm', 'no'),
      { ok: false, reason: 'truncated' } as const,
    ];
    expect(rationaleAgreement(judgments, cues)).toEqual({
      stanceCount: 2,
      contradictionRate: 0.5,
      silentRate: 1 - 2 / 3,
    });
  });
});
