/** Scores of each criterion, and their means, which stand for the task. */
import { criteriaOf } from '../kinds/criteria.ts';
import { readCriteria } from '../kinds/criteria-label.ts';
import { numberOf } from '../kinds/label-numbers.ts';
import { type AbsoluteError, absoluteErrorOf } from './absolute-error.ts';
import { accuracyOf } from './accuracy.ts';
import { cohenKappa } from './cohen-kappa.ts';
import { type Correlation, correlationOf } from './correlation.ts';
import { macroF1 } from './macro-f1.ts';
import { majorityMacroF1 } from './majority.ts';
import type { Metric } from './metric.ts';
import { numberPairs } from './number-pairs.ts';
import { meanMacroF1Interval } from './statistics/bootstrap.ts';

export interface CriterionScores {
  readonly criterion: string;
  readonly macroF1: number;
  readonly accuracy: number;
  readonly majorityMacroF1: number;
  readonly cohenKappa?: number;
  /** Where its labels are numbers. */
  readonly correlation?: Correlation;
  readonly absoluteError?: AbsoluteError;
}

interface CriteriaScores {
  /** Mean over the criteria, as are accuracy and the majority baseline; all criteria have equal weight. */
  readonly macroF1: number;
  readonly ci95: readonly [number, number];
  readonly accuracy: number;
  readonly majorityMacroF1: number;
  /** Share of answers that are right by all criteria. */
  readonly exactRate: number;
  readonly criteria: readonly CriterionScores[];
}

export const criteriaScores: Metric<CriteriaScores> = ({ judged, task, resampleCount, rng }) => {
  const values = judged.map(({ example, judgment }) => ({
    label: readCriteria(example.label),
    predicted: judgment.ok ? readCriteria(judgment.verdict) : undefined,
    clusterKey: example.groupKey,
  }));
  const named = [...criteriaOf(task)].map(([criterion, labels]) => ({
    ...{ criterion, labels },
    outcomes: values.map(({ label, predicted, clusterKey }) => ({
      ...{ label: label?.get(criterion) ?? '', predicted: predicted?.get(criterion), clusterKey },
    })),
  }));
  const criteria = named.map(({ criterion, labels, outcomes }): CriterionScores => {
    const kappa = cohenKappa(outcomes);
    const own = judged.map(({ example, judgment }, i) => ({
      example: { ...example, label: outcomes[i]?.label ?? '' },
      judgment: judgment.ok ? { ...judgment, verdict: outcomes[i]?.predicted ?? '' } : judgment,
    }));
    const correlation = correlationOf(own, labels);
    const isNumeric = labels.every((label) => numberOf(label) !== undefined);
    const absoluteError = isNumeric ? absoluteErrorOf(numberPairs(own, labels), resampleCount, rng()) : undefined;
    return {
      ...{ criterion, macroF1: macroF1(outcomes, labels), accuracy: accuracyOf(outcomes) },
      majorityMacroF1: majorityMacroF1(
        outcomes.map(({ label }) => label),
        labels,
      ),
      ...(kappa !== undefined && { cohenKappa: kappa }),
      ...(correlation && { correlation }),
      ...(absoluteError && { absoluteError }),
    };
  });
  const mean = (valueOf: (scores: CriterionScores) => number): number =>
    criteria.reduce((sum, scores) => sum + valueOf(scores), 0) / criteria.length;
  return {
    macroF1: mean((scores) => scores.macroF1),
    ci95: meanMacroF1Interval(named, resampleCount, rng()),
    accuracy: mean((scores) => scores.accuracy),
    majorityMacroF1: mean((scores) => scores.majorityMacroF1),
    exactRate:
      judged.filter(({ example, judgment }) => judgment.ok && judgment.verdict === example.label).length /
      judged.length,
    criteria,
  };
};
