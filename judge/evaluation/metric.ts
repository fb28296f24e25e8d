/** What a metric is: a function from the judged examples of one task to some of the task's scores. */
import type { Rng } from '../../core/rng.ts';
import type { Example, Judgment } from '../example.ts';
import type { Labels } from '../kinds/kind.ts';
import type { Outcome } from './outcome.ts';
import type { Cues } from './rationale-agreement.ts';

export interface JudgedExample {
  /** As it was judged: for a swapped pair, the swapped example with its exchanged label. */
  readonly example: Example;
  readonly judgment: Judgment;
  /** Id of the stored pair that this one mirrors. */
  readonly swappedOf?: string;
  /** Of the task's labels at the verdict's place, where they were asked for: of all examples or of none. */
  readonly probabilities?: readonly number[];
}

export interface MetricInput {
  /** At least one. */
  readonly judged: readonly JudgedExample[];
  /** Of `judged`, in order. */
  readonly outcomes: readonly (Outcome & { readonly clusterKey: string })[];
  readonly labels: Labels;
  readonly resampleCount: number;
  /** A new one from its start: metrics that draw resample the same clusters. */
  readonly rng: () => Rng;
  readonly cues: Cues | undefined;
}

/** Undefined where the examples give it nothing to measure. */
export type Metric<Scores extends object = object> = (input: MetricInput) => Scores | undefined;
