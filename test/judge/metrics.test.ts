import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accuracyOf } from '../../judge/evaluation/accuracy.ts';
import { classScores, macroF1 } from '../../judge/evaluation/macro-f1.ts';
import { majorityLabel, majorityMacroF1 } from '../../judge/evaluation/majority.ts';
import { balancedAccuracy } from '../../judge/evaluation/balanced-accuracy.ts';
import { cohenKappa } from '../../judge/evaluation/cohen-kappa.ts';
import { confusionOf } from '../../judge/evaluation/confusion.ts';
import { fixtures, outcomesOf } from './metric-fixtures.ts';

describe.each(fixtures.classification)('matches scikit-learn on $name', (given) => {
  const { classes, expected, labels, predictions } = given;
  const outcomes = outcomesOf(labels, predictions);

  test('macro-F1 and accuracy', () => {
    expect(macroF1(outcomes, classes)).toBeCloseTo(expected.macroF1, 12);
    expect(accuracyOf(outcomes)).toBeCloseTo(expected.accuracy, 12);
  });

  test('balanced accuracy, confusion and kappa', () => {
    expect(balancedAccuracy(outcomes, classes)).toBeCloseTo(expected.balancedAccuracy, 12);
    expect(confusionOf(outcomes, classes).counts).toEqual(expected.confusion);
    const kappa = cohenKappa(outcomes);
    if (expected.cohenKappa === null) expect(kappa).toBeUndefined();
    else expect(kappa).toBeCloseTo(expected.cohenKappa, 12);
  });

  test.each(classes)('precision, recall, F1 and support of %s', (name) => {
    const scores = classScores(outcomes, name);
    for (const part of ['precision', 'recall', 'f1', 'support'] as const) {
      expect(scores[part]).toBeCloseTo(expected.perClass[name]?.[part] ?? NaN, 12);
    }
  });

  test('the majority baseline', () => {
    expect(majorityLabel(labels, classes)).toBe(expected.majorityLabel);
    expect(majorityMacroF1(labels, classes)).toBeCloseTo(expected.majorityMacroF1, 12);
  });
});

describe('manually computed cases', () => {
  test('an unparsable answer lowers the recall of its own class and no precision', () => {
    const outcomes = outcomesOf(['yes', 'yes', 'no', 'no'], ['yes', null, 'no', 'no']);
    expect(classScores(outcomes, 'yes')).toEqual({ precision: 1, recall: 0.5, f1: 2 / 3, support: 2 });
    expect(classScores(outcomes, 'no')).toEqual({ precision: 1, recall: 1, f1: 1, support: 2 });
    expect(macroF1(outcomes, ['yes', 'no'])).toBeCloseTo(5 / 6, 12);
  });
});

describe('for any judgments', () => {
  const label = fc.constantFrom('yes', 'no');
  const outcome = fc.record({ label, predicted: fc.option(label, { nil: undefined }) });
  const outcomes = fc.array(outcome, { minLength: 1, maxLength: 40 });

  test('macro-F1 lies in [0, 1], is 1 only if all are right, and 0 only if none is', () => {
    fc.assert(
      fc.property(outcomes, (given) => {
        const score = macroF1(given, ['yes', 'no']);
        const accuracy = accuracyOf(given);
        const hasBoth = new Set(given.map((one) => one.label)).size === 2;
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
        expect(score === 1).toBe(accuracy === 1 && hasBoth);
        expect(score === 0).toBe(accuracy === 0);
      }),
    );
  });

  test('the order of examples and of labels does not matter', () => {
    fc.assert(
      fc.property(outcomes, (given) => {
        expect(macroF1([...given].reverse(), ['no', 'yes'])).toBeCloseTo(macroF1(given, ['yes', 'no']), 12);
      }),
    );
  });
});
