/** The stored answers of a policy in an evaluation, with the judgments parsed from them. */
import type { Format } from '../../artifacts/format.ts';
import type { JudgedRow } from '../../judge/evaluation/judged-row.ts';
import type { Judgment } from '../../judge/example.ts';

export interface EvaluationJudgment {
  /** Id of the example as shown: for a swapped pair, the id of the mirrored example. */
  readonly exampleId: string;
  /** Index into the dataset's examples; for a swapped pair, that of the stored pair. */
  readonly exampleIndex: number;
  /** Whether it was shown in another order than that of the row. */
  readonly swapped: boolean;
  /** Place of the order among those of the example, where there are more than two. */
  readonly order?: number;
  /** Label of the example as shown. */
  readonly label: string;
  readonly text: string;
  readonly finishReason: 'stop' | 'length';
  readonly judgment: Judgment;
  /** Probabilities of the task's labels, in order, at the verdict's position; present with `forced-choice`. */
  readonly probabilities?: readonly number[];
  /** Log-prob of the whole answer, natural log; present if several were sampled. */
  readonly logProb?: number;
}

/** Answers to one other prompt or probe. */
export interface VariantJudgments {
  readonly name: string;
  readonly judgments: readonly EvaluationJudgment[];
}

export interface EvaluationJudgments {
  readonly schema: 1;
  readonly task: string;
  readonly judgments: readonly EvaluationJudgment[];
  /** Other prompts and probes; absent if the recipe asks for none. */
  readonly variants?: readonly VariantJudgments[];
}

export const judgmentsFormat: Format<EvaluationJudgments> = { what: 'the judgments of an evaluation', schema: 1 };

/** The artifact that `judgeRows` and `judgeRowsEndpoint` store. */
export interface JudgedRows {
  readonly schema: 1;
  readonly task: string;
  /** One per row that could be shown, in dataset order. */
  readonly rows: readonly JudgedRow[];
}

export const judgedRowsFormat: Format<JudgedRows> = {
  ...{ what: 'the judged rows', schema: 1 },
  again: 'judge the rows again',
};
