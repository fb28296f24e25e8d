/** What a policy answered to an evaluation, and how it was read. */
import type { Judgment } from '../../judge/example.ts';

export interface EvaluationJudgment {
  /** Of a pair in its other order: the id of the mirrored example. */
  readonly exampleId: string;
  /** Into the dataset's examples; the stored pair where this is its other order. */
  readonly exampleIndex: number;
  readonly swapped: boolean;
  /** Of the example as it was shown. */
  readonly label: string;
  readonly text: string;
  readonly finishReason: 'stop' | 'length';
  readonly judgment: Judgment;
  /** Of the task's labels, in their order, at the position of the verdict: with `forced-choice`. */
  readonly probabilities?: readonly number[];
  /** Of the whole answer, natural log: where several were sampled. */
  readonly logProb?: number;
}

/** The answers to one other way of asking. */
export interface VariantJudgments {
  readonly name: string;
  readonly judgments: readonly EvaluationJudgment[];
}

export interface EvaluationJudgments {
  readonly schema: 1;
  readonly task: string;
  readonly judgments: readonly EvaluationJudgment[];
  /** Other prompts and probes; absent where the recipe asks for none. */
  readonly variants?: readonly VariantJudgments[];
}
