/** Scores of each criterion, and their means, which stand for the task. */
import { criteriaOf, isRightBy } from '../kinds/criteria.ts';
import { isRight } from '../kinds/table.ts';
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
  /** Absent for a range, whose numbers are no classes, as are the majority and kappa. */
  readonly macroF1?: number;
  readonly accuracy: number;
  readonly majorityMacroF1?: number;
  readonly cohenKappa?: number;
  /** Where its labels are numbers. */
  readonly correlation?: Correlation;
  readonly absoluteError?: AbsoluteError;
}

interface CriteriaScores {
  /** Mean over the criteria with labels, as is the majority baseline; absent without one. All criteria have equal weight. */
  readonly macroF1?: number;
  readonly ci95?: readonly [number, number];
  readonly majorityMacroF1?: number;
  /** Mean over all criteria. */
  readonly accuracy: number;
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
  const named = [...criteriaOf(task)].map(([criterion, each]) => ({
    ...{ criterion, labels: each.labels, isRange: each.range !== undefined },
    outcomes: values.map(({ label, predicted, clusterKey }) => {
      const [right, said] = [label?.get(criterion) ?? '', predicted?.get(criterion)];
      return { label: right, predicted: isRightBy(each, said, right) ? right : said, said, clusterKey };
    }),
  }));
  const criteria = named.map(({ criterion, labels, isRange, outcomes }): CriterionScores => {
    const kappa = isRange ? undefined : cohenKappa(outcomes);
    const own = judged.map(({ example, judgment }, i) => ({
      example: { ...example, label: outcomes[i]?.label ?? '' },
      judgment: judgment.ok ? { ...judgment, verdict: outcomes[i]?.said ?? '' } : judgment,
    }));
    const correlation = correlationOf(own, labels);
    const isNumeric = labels.every((label) => numberOf(label) !== undefined);
    const absoluteError = isNumeric ? absoluteErrorOf(numberPairs(own, labels), resampleCount, rng()) : undefined;
    return {
      ...{ criterion, accuracy: accuracyOf(outcomes) },
      ...(!isRange && {
        macroF1: macroF1(outcomes, labels),
        majorityMacroF1: majorityMacroF1(
          outcomes.map(({ label }) => label),
          labels,
        ),
      }),
      ...(kappa !== undefined && { cohenKappa: kappa }),
      ...(correlation && { correlation }),
      ...(absoluteError && { absoluteError }),
    };
  });
  const mean = (found: readonly number[]): number => found.reduce((sum, value) => sum + value, 0) / found.length;
  const labelled = named.filter(({ isRange }) => !isRange);
  return {
    ...(labelled.length > 0 && {
      macroF1: mean(criteria.flatMap((scores) => scores.macroF1 ?? [])),
      ci95: meanMacroF1Interval(labelled, resampleCount, rng()),
      majorityMacroF1: mean(criteria.flatMap((scores) => scores.majorityMacroF1 ?? [])),
    }),
    accuracy: mean(criteria.map((scores) => scores.accuracy)),
    exactRate:
      judged.filter(({ example, judgment }) => judgment.ok && isRight(task, judgment.verdict, example.label)).length /
      judged.length,
    criteria,
  };
};
