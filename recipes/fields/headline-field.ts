/** The figure that a benchmark itself publishes: a task may name it, and reports show it beside the project's own. */
import { z } from 'zod';
import type { MetricGroup } from '../../judge/kinds/table.ts';

/** Metric -> the groups of metrics (judge/evaluation/metrics.ts) that compute it; its value is in judge/evaluation/headline.ts. */
export const headlineGroups = {
  accuracy: ['label', 'criteria', 'range'],
  macroF1: ['label', 'criteria'],
  macroAccuracy: ['label', 'criteria', 'range'],
  accuracyWithoutTies: ['ties'],
  consistentAccuracy: ['order'],
  accPlus: ['label', 'criteria', 'range'],
  pearson: ['label', 'range'],
  spearman: ['label', 'range'],
  exactRate: ['ranking', 'criteria'],
  pairAccuracy: ['ranking'],
  kendallTau: ['ranking'],
  editDistance: ['ranking'],
  tiesScore: ['ties-score'],
} as const satisfies Readonly<Record<string, readonly MetricGroup[]>>;

export type HeadlineMetric = keyof typeof headlineGroups;
export const headlineMetrics = Object.keys(headlineGroups) as HeadlineMetric[];

export const headlineSchema = z
  .enum(headlineMetrics)
  .describe(
    'The metric that the benchmark of these rows publishes; reports and `--json` show it beside the others. ' +
      'macroAccuracy: mean of the accuracies of the values of the first slice. accuracyWithoutTies: over the labels that are no tie. consistentAccuracy: share of examples that are right in all orders. accPlus: share of groups with all judgments right. ' +
      'editDistance: normalised Levenshtein distance of rankings, 0 for the right one.',
  );

/** Whether tasks with these groups of metrics have the metric. */
export function hasHeadline(metric: HeadlineMetric, groups: readonly string[]): boolean {
  const own: readonly string[] = headlineGroups[metric];
  return own.some((group) => groups.includes(group));
}
