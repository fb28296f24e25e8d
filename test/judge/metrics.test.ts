import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { accuracyOf } from '../../judge/evaluation/accuracy.ts';
import { classScores, macroF1 } from '../../judge/evaluation/macro-f1.ts';
import { majorityLabel, majorityMacroF1 } from '../../judge/evaluation/majority.ts';
import type { Outcome } from '../../judge/evaluation/outcome.ts';

interface Case {
  readonly name: string;
  readonly classes: [string, ...string[]];
  readonly labels: string[];
  readonly predictions: (string | null)[];
  readonly expected: {
    readonly macroF1: number;
    readonly perClass: Readonly<Record<string, Readonly<Record<'precision' | 'recall' | 'f1' | 'support', number>>>>;
    readonly accuracy: number;
    readonly majorityLabel: string;
    readonly majorityMacroF1: number;
  };
}

const fixture = new URL('../fixtures/metrics/expected.json', import.meta.url);
const { classification } = JSON.parse(readFileSync(fixture, 'utf8')) as { classification: Case[] };

function outcomesOf({ labels, predictions }: Pick<Case, 'labels' | 'predictions'>): Outcome[] {
  return labels.map((label, i) => ({ label, predicted: predictions[i] ?? undefined }));
}

describe.each(classification)('scikit-learn agrees on $name', (given) => {
  const { classes, expected, labels } = given;
  const outcomes = outcomesOf(given);

  test('macro-F1 and accuracy', () => {
    expect(macroF1(outcomes, classes)).toBeCloseTo(expected.macroF1, 12);
    expect(accuracyOf(outcomes)).toBeCloseTo(expected.accuracy, 12);
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

describe('by hand', () => {
  test('an unparsable answer costs recall of its own class and precision of none', () => {
    const outcomes = outcomesOf({ labels: ['yes', 'yes', 'no', 'no'], predictions: ['yes', null, 'no', 'no'] });
    expect(classScores(outcomes, 'yes')).toEqual({ precision: 1, recall: 0.5, f1: 2 / 3, support: 2 });
    expect(classScores(outcomes, 'no')).toEqual({ precision: 1, recall: 1, f1: 1, support: 2 });
    expect(macroF1(outcomes, ['yes', 'no'])).toBeCloseTo(5 / 6, 12);
  });
});

describe('for any judgments', () => {
  const label = fc.constantFrom('yes', 'no');
  const outcome = fc.record({ label, predicted: fc.option(label, { nil: undefined }) });
  const outcomes = fc.array(outcome, { minLength: 1, maxLength: 40 });

  test('macro-F1 lies in [0, 1], is 1 only when all are right, and 0 only when none is', () => {
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

  test('the order of examples and of labels changes nothing', () => {
    fc.assert(
      fc.property(outcomes, (given) => {
        expect(macroF1([...given].reverse(), ['no', 'yes'])).toBeCloseTo(macroF1(given, ['yes', 'no']), 12);
      }),
    );
  });
});
