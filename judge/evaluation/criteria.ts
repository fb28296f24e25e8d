/** Scores of each criterion, and their means, which stand for the task. */
import { criteriaOf } from '../kinds/criteria.ts';
import { readCriteria } from '../kinds/criteria-label.ts';
import { accuracyOf } from './accuracy.ts';
import { cohenKappa } from './cohen-kappa.ts';
import { type Correlation, correlationOf } from './correlation.ts';
import { macroF1 } from './macro-f1.ts';
import { majorityMacroF1 } from './majority.ts';
import type { Metric } from './metric.ts';
import { countOutcome, macroF1OfSums } from './statistics/bootstrap.ts';
import { clusterRows, quantile, resample } from './statistics/resampling.ts';

export interface CriterionScores {
  readonly criterion: string;
  readonly macroF1: number;
  readonly accuracy: number;
  readonly majorityMacroF1: number;
  readonly cohenKappa?: number;
  /** Where its labels are numbers. */
  readonly correlation?: Correlation;
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
  const named = [...criteriaOf(task)];
  const values = judged.map(({ example, judgment }) => ({
    label: readCriteria(example.label),
    predicted: judgment.ok ? readCriteria(judgment.verdict) : undefined,
    clusterKey: example.groupKey,
  }));
  const outcomesOf = (name: string) =>
    values.map(({ label, predicted, clusterKey }) => ({
      ...{ label: label?.get(name) ?? '', predicted: predicted?.get(name), clusterKey },
    }));
  const criteria = named.map(([criterion, labels]): CriterionScores => {
    const outcomes = outcomesOf(criterion);
    const kappa = cohenKappa(outcomes);
    const correlation = correlationOf(
      judged.map(({ example, judgment }, i) => ({
        example: { ...example, label: outcomes[i]?.label ?? '' },
        judgment: judgment.ok ? { ...judgment, verdict: outcomes[i]?.predicted ?? '' } : judgment,
      })),
      labels,
    );
    return {
      ...{ criterion, macroF1: macroF1(outcomes, labels), accuracy: accuracyOf(outcomes) },
      majorityMacroF1: majorityMacroF1(
        outcomes.map(({ label }) => label),
        labels,
      ),
      ...(kappa !== undefined && { cohenKappa: kappa }),
      ...(correlation && { correlation }),
    };
  });
  const mean = (valueOf: (scores: CriterionScores) => number): number =>
    criteria.reduce((sum, scores) => sum + valueOf(scores), 0) / criteria.length;
  const point = mean((scores) => scores.macroF1);
  return {
    macroF1: point,
    ci95: interval(
      point,
      named.map(([name, labels]) => ({ labels, outcomes: outcomesOf(name) })),
      resampleCount,
      rng(),
    ),
    accuracy: mean((scores) => scores.accuracy),
    majorityMacroF1: mean((scores) => scores.majorityMacroF1),
    exactRate:
      judged.filter(({ example, judgment }) => judgment.ok && judgment.verdict === example.label).length /
      judged.length,
    criteria,
  };
};

interface Criterion {
  readonly labels: readonly string[];
  readonly outcomes: readonly {
    readonly label: string;
    readonly predicted: string | undefined;
    readonly clusterKey: string;
  }[];
}

/** 95 % percentile interval of the mean Macro-F1 by the cluster bootstrap; it includes the value itself. */
function interval(
  point: number,
  criteria: readonly Criterion[],
  resampleCount: number,
  rng: Parameters<typeof resample>[3],
): readonly [number, number] {
  const { rowOf, clusterCount } = clusterRows((criteria[0]?.outcomes ?? []).map(({ clusterKey }) => clusterKey));
  const starts = criteria.map((_, i) => criteria.slice(0, i).reduce((sum, { labels }) => sum + 3 * labels.length, 0));
  const width = criteria.reduce((sum, { labels }) => sum + 3 * labels.length, 0);
  const counts = new Int32Array(clusterCount * width);
  criteria.forEach(({ labels, outcomes }, c) => {
    outcomes.forEach((outcome, i) => {
      countOutcome(counts, (rowOf[i] ?? 0) * width + (starts[c] ?? 0), outcome, labels);
    });
  });
  const statistic = (sums: Float64Array): number =>
    criteria.reduce((sum, { labels }, c) => sum + macroF1OfSums(sums, starts[c] ?? 0, labels.length), 0) /
    criteria.length;
  const drawn = resample({ counts, width }, statistic, resampleCount, rng).sort();
  return [Math.min(point, quantile(drawn, 0.025)), Math.max(point, quantile(drawn, 0.975))];
}
