import { describe, expect, it } from 'vitest';
import type { Selection } from '../../contract/validation.ts';
import { isPlateau, select } from '../../workflows/training/selection.ts';
import { refTo } from './made-up-activities.ts';

/** Validates every 10 steps, with these scores. */
function selected(scores: readonly number[], { improvementMin = 0 } = {}): Selection {
  const selection = scores.reduce<Selection | undefined>((before, score, i) => {
    const step = 10 * (i + 1);
    const name = `snapshot ${String(step)}`;
    const validated = { step, score, snapshot: refTo(name), checkpoint: refTo(`${name} checkpoint`) };
    return select(before, validated, { improvementMin });
  }, undefined);
  if (selection === undefined) throw new Error('no scores');
  return selection;
}

/** The step after which a run with this patience ends, and the selected one. */
function endOf(scores: readonly number[], rule: { patience?: number; improvementMin?: number }) {
  const end = scores.findIndex((_, i) => isPlateau(selected(scores.slice(0, i + 1), rule), rule));
  const seen = end < 0 ? scores : scores.slice(0, end + 1);
  return { step: 10 * seen.length, best: selected(seen, rule).best.step };
}

describe('selection by validation', () => {
  it('selects the best checkpoint of a run whose last step is worse', () => {
    const { best, last, validations } = selected([0.5, 0.8, 0.9, 0.7, 0.3]);
    expect(best).toEqual({
      ...{ step: 30, score: 0.9 },
      ...{ snapshot: refTo('snapshot 30'), checkpoint: refTo('snapshot 30 checkpoint') },
    });
    expect(last).toEqual({ step: 50, score: 0.3 });
    expect(validations.map(({ score }) => score)).toEqual([0.5, 0.8, 0.9, 0.7, 0.3]);
  });

  it('selects the last checkpoint of a run that gets better to its end, and the first of equals', () => {
    expect(selected([0.1, 0.2, 0.3]).best.step).toBe(30);
    expect(selected([0.4, 0.9, 0.9, 0.9]).best.step).toBe(20);
  });

  it('ends a run after `patience` validations in a row without improvement', () => {
    expect(endOf([0.5, 0.9, 0.8, 0.9, 0.85, 0.99], { patience: 3 })).toEqual({ step: 50, best: 20 });
    expect(endOf([0.5, 0.9, 0.8, 0.91, 0.85, 0.9], { patience: 3 })).toEqual({ step: 60, best: 40 });
    expect(endOf([0.5, 0.4], { patience: 1 })).toEqual({ step: 20, best: 10 });
  });

  it('never ends a run early without patience', () => {
    expect(endOf([0.9, 0.1, 0.1, 0.1, 0.1], {})).toEqual({ step: 50, best: 10 });
  });

  it('counts gains of at most `improvementMin` as none, and still selects the highest score', () => {
    const rule = { patience: 2, improvementMin: 0.05 };
    expect(endOf([0.5, 0.54, 0.55, 0.9], rule)).toEqual({ step: 30, best: 30 });
    // Small gains add up: each is compared with the last improvement.
    expect(endOf([0.5, 0.54, 0.58, 0.62, 0.64], rule)).toEqual({ step: 50, best: 50 });
    expect(endOf([0.5, 0.54, 0.58, 0.62, 0.62, 0.62], rule)).toEqual({ step: 50, best: 40 });
  });

  it('keeps the best, and a bounded list, over any number of validations', () => {
    const scores = [0.99, ...Array.from({ length: 5_000 }, () => 0.5)];
    const { best, validations, plateau } = selected(scores);
    expect(best.step).toBe(10);
    expect(plateau).toEqual({ score: 0.99, validationCount: 5_000 });
    expect(validations).toHaveLength(200);
    expect(validations.at(-1)?.step).toBe(50_010);
  });
});
