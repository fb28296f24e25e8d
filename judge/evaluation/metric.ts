/** A metric: a function from the judged examples of one task to some of the task's scores. */
import type { Rng } from '../../core/rng.ts';
import type { Example, Judgment } from '../example.ts';
import type { Labels, Order } from '../kinds/kind.ts';
import type { KindedTask } from '../../recipes/fields/task-fields.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { Outcome } from './outcome.ts';
import type { Cues } from './rationale-agreement.ts';

export interface JudgedExample {
  /** The example as judged: in another order of its candidates, with the label of that order. */
  readonly example: Example;
  readonly judgment: Judgment;
  /** Set in another order than the stored one: the id of the stored example, and the order. */
  readonly reordered?: { readonly of: string; readonly order: Order };
  /** Probabilities of the task's labels at the verdict's position, if requested: for all examples or for none. */
  readonly probabilities?: readonly number[];
}

export interface MetricInput {
  /** At least one judged example. */
  readonly judged: readonly JudgedExample[];
  /** Outcomes of `judged`, in the same order. */
  readonly outcomes: readonly (Outcome & { readonly clusterKey: string })[];
  readonly task: KindedTask & Pick<TaskSpec, 'accPlusBy'>;
  readonly labels: Labels;
  readonly resampleCount: number;
  /** Returns a new generator with the same seed on each call, so that all metrics resample the same clusters. */
  readonly rng: () => Rng;
  readonly cues: Cues | undefined;
}

/** Returns undefined if the examples give it nothing to measure. */
export type Metric<Scores extends object = object> = (input: MetricInput) => Scores | undefined;
