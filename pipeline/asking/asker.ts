/**
 * How a policy is asked, whatever it is: asking (evaluation, `mtrl judge`) turns examples into questions and answers
 * into judgments, and knows neither tokens nor messages. token-asker.ts asks an engine, endpoint-asker.ts an endpoint.
 */
import type { Asked } from '../../judge/evaluation/probes.ts';
import type { AnswerMode, Example, Judgment } from '../../judge/example.ts';
import type { Refusal } from '../../policy/engines/endpoint.ts';
import type { Sampling } from '../../policy/engine.ts';

/** An answer before it is parsed. */
export interface SaidAnswer {
  readonly text: string;
  readonly finishReason: 'stop' | 'length';
  /** Log-prob of the whole answer, natural log; absent if the policy does not say. */
  readonly logProb?: number;
  /** Why the policy does not answer this question; the text is empty then. */
  readonly refusal?: Refusal;
}

export interface Questions {
  /** Answers as [question][sample]. */
  answers(sampling: Sampling, sampleCount: number): Promise<readonly (readonly SaidAnswer[])[]>;
  /**
   * [question][label]: probability at the verdict's position, after the rationale of the question's judgment if it has
   * one. Present if the asker's `lacks` does not name it.
   */
  readonly labelProbabilities?: (judgments: readonly Judgment[]) => Promise<readonly (readonly number[])[]>;
}

export interface Asker {
  /** What this policy cannot do, with the reason: the scores that need it are absent. */
  readonly lacks: { readonly labelProbabilities?: string };
  /** Examples as their task asks them. */
  ofExamples(examples: readonly Example[], mode: AnswerMode): Promise<Questions>;
  /** Examples as a probe changes them, or after others with their answers. Throws PROMPT_INVALID, EXAMPLE_TOO_LONG. */
  ofChanged(asked: readonly Asked[], mode: AnswerMode): Promise<Questions>;
}
