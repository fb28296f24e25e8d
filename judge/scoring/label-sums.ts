/**
 * Scores of labels as functions of sums of counts: [label, 3] true positives, false positives, false negatives
 * (countOutcome), which begin at `start`; and of the number of judgments. NaN where a score is not defined.
 */
import { macroF1OfSums } from '../evaluation/statistics/bootstrap.ts';

type SumScore = (sums: Float64Array, start: number, labelCount: number, judgmentCount: number) => number;

/** Mean recall over the labels that occur (balanced-accuracy.ts). */
function balancedAccuracy(sums: Float64Array, start: number, labelCount: number): number {
  let [total, present] = [0, 0];
  for (let at = start; at < start + labelCount * 3; at += 3) {
    const support = (sums[at] as number) + (sums[at + 2] as number);
    if (support === 0) continue;
    total += (sums[at] as number) / support;
    present++;
  }
  return total / present;
}

/** Agreement beyond chance (cohen-kappa.ts). */
function cohenKappa(sums: Float64Array, start: number, labelCount: number, judgmentCount: number): number {
  let [agreed, chance] = [0, 0];
  for (let at = start; at < start + labelCount * 3; at += 3) {
    const [both, saidOnly, labelOnly] = [sums[at] as number, sums[at + 1] as number, sums[at + 2] as number];
    agreed += both;
    chance += (both + labelOnly) * (both + saidOnly);
  }
  return (agreed * judgmentCount - chance) / (judgmentCount * judgmentCount - chance);
}

/** Krippendorff's alpha of judge and label, an unread verdict being a value of its own (statistics/krippendorff.ts). */
function krippendorffAlpha(sums: Float64Array, start: number, labelCount: number, judgmentCount: number): number {
  let [agreed, read, squares] = [0, 0, 0];
  for (let at = start; at < start + labelCount * 3; at += 3) {
    const [both, saidOnly, labelOnly] = [sums[at] as number, sums[at + 1] as number, sums[at + 2] as number];
    agreed += both;
    read += both + saidOnly;
    squares += (2 * both + saidOnly + labelOnly) ** 2;
  }
  const ratingCount = 2 * judgmentCount;
  const expected = ratingCount ** 2 - squares - (judgmentCount - read) ** 2;
  return expected > 0 ? 1 - (2 * (judgmentCount - agreed) * (ratingCount - 1)) / expected : NaN;
}

export const labelScores = {
  macroF1: macroF1OfSums,
  balancedAccuracy,
  cohenKappa,
  krippendorffAlpha,
} as const satisfies Readonly<Record<string, SumScore>>;

export type LabelScore = keyof typeof labelScores;
export const labelScoreNames = Object.keys(labelScores) as LabelScore[];
