/**
 * McNemar's test (1947) of whether two judges of the same examples have equal error rates. Only examples that exactly
 * one judge gets right count.
 */
import { assert } from '../../../core/assert.ts';
import type { Outcome } from '../outcome.ts';
import { chiSquareTail, fairCoinTail } from './special-functions.ts';

export interface McNemar {
  readonly onlyFirstCorrect: number;
  readonly onlySecondCorrect: number;
  /** Two-sided exact binomial test. */
  readonly exactP: number;
  /** With Edwards' continuity correction. */
  readonly chiSquareCorrected: number;
  readonly chiSquareCorrectedP: number;
}

/** Outcomes of the same examples in the same order. */
export function mcNemar(first: readonly Outcome[], second: readonly Outcome[]): McNemar {
  assert(first.length === second.length, 'two judges of the same examples');
  let onlyFirstCorrect = 0;
  let onlySecondCorrect = 0;
  first.forEach((a, i) => {
    const b = second[i];
    assert(a.label === b?.label, 'two judges of the same examples');
    const [firstRight, secondRight] = [a.predicted === a.label, b.predicted === b.label];
    if (firstRight && !secondRight) onlyFirstCorrect++;
    if (secondRight && !firstRight) onlySecondCorrect++;
  });
  const count = onlyFirstCorrect + onlySecondCorrect;
  const apart = Math.max(0, Math.abs(onlyFirstCorrect - onlySecondCorrect) - 1);
  const chiSquareCorrected = count === 0 ? 0 : (apart * apart) / count;
  return {
    onlyFirstCorrect,
    onlySecondCorrect,
    exactP: twoSided(Math.min(onlyFirstCorrect, onlySecondCorrect), count),
    chiSquareCorrected,
    chiSquareCorrectedP: chiSquareTail(chiSquareCorrected),
  };
}

function twoSided(fewer: number, count: number): number {
  // With equal counts the two tails overlap.
  return 2 * fewer === count ? 1 : Math.min(1, 2 * fairCoinTail(fewer, count));
}
