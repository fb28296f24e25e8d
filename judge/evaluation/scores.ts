/** All scores of one policy on one task, from its judgments. */
import { assert } from '../../core/assert.ts';
import { Rng } from '../../core/rng.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { Split } from '../example.ts';
import { metricGroups } from '../kinds/table.ts';
import { headlineOf } from './headline.ts';
import { sliceScores } from './groups/slices.ts';
import type { JudgedExample, MetricInput } from './metric.ts';
import { metricsOf } from './metrics.ts';
import { outcomeOf } from './outcome.ts';
import type { Cues } from './rationale-agreement.ts';
import type { TaskScores } from './task-scores.ts';

export interface ScoresRequest {
  readonly task: string;
  readonly spec: TaskSpec;
  readonly split: Split;
  readonly judged: readonly JudgedExample[];
  readonly resampleCount: number;
  /** Seed of the bootstrap; the same for arms that are compared. */
  readonly seed: number;
  /** See rationale-agreement.ts. */
  readonly cues?: Cues | undefined;
}

/**
 * Computes the metrics of the task's kind. `exampleCount` counts an example once; its scores are over all its orders,
 * which form one cluster (its group). `unparsableRate` includes truncated answers.
 */
export function taskScores(request: ScoresRequest): TaskScores {
  const { task, spec, split, judged } = request;
  assert(judged.length > 0, `no judgments of ${task}/${split}`);
  const head = {
    ...{ task, split, ood: spec.ood },
    exampleCount: judged.filter(({ reordered }) => reordered === undefined).length,
  };
  const slices = spec.slices?.map((field) =>
    sliceScores(judged, field, (rows, hasInterval) =>
      metricScores({ ...request, judged: rows, ...(!hasInterval && { resampleCount: 1 }) }),
    ),
  );
  const scores: TaskScores = { ...head, ...metricScores(request), ...(slices && { slices }) };
  return spec.headline === undefined ? scores : { ...scores, headline: headlineOf(spec.headline, scores) };
}

type HeadName = 'task' | 'split' | 'ood' | 'exampleCount';

function metricScores(request: ScoresRequest): Omit<TaskScores, HeadName> {
  const { task, spec, split, judged, resampleCount, seed, cues } = request;
  const input: MetricInput = {
    ...{ judged, task: spec, labels: spec.labels, resampleCount, cues },
    outcomes: judged.map(({ example, judgment }) => ({
      ...outcomeOf(example, judgment, spec),
      clusterKey: example.groupKey,
    })),
    rng: () => new Rng('bootstrap', seed, task, split),
  };
  const scores = metricsOf(metricGroups(spec)).map((metric) => metric(input));
  // Each metric is typed at its definition; scores that a kind does not have are optional in TaskScores.
  return Object.assign({}, ...scores) as Omit<TaskScores, HeadName>;
}
