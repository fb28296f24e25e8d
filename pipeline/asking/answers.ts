/** Asks a policy about examples, and parses its answers. */
import { required } from '../../core/assert.ts';
import type { AnswerMode } from '../../judge/example.ts';
import { ruleFor } from '../../judge/tasks/candidates.ts';
import { readVerdict } from '../../judge/tasks/read-verdict.ts';
import type { Sampling } from '../../policy/engine.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { OpenDataset } from '../data/dataset-artifact.ts';
import type { Waits } from '../heartbeat.ts';
import type { Asker, Questions } from './asker.ts';
import type { EvaluationJudgment } from './judgments-artifact.ts';
import type { Shown } from './shown.ts';

export interface Asking {
  readonly asker: Asker;
  readonly dataset: Pick<OpenDataset, 'rowsOf' | 'examplesAt'>;
  /** Work that is not the policy's is awaited through this, so that its progress is told from that of the policy. */
  readonly waits: Pick<Waits, 'for'>;
  readonly spec: TaskSpec;
  readonly mode: AnswerMode;
}

/** Returns answers as [shown][sample]. `questions` are those of `shown`, in order. */
export async function answers(
  { spec, mode }: Pick<Asking, 'spec' | 'mode'>,
  shown: readonly Shown[],
  questions: Questions,
  sampling: Sampling,
  sampleCount: number,
): Promise<EvaluationJudgment[][]> {
  const said = await questions.answers(sampling, sampleCount);
  return said.map((group, i) => {
    const one = required(shown[i], 'a question for every answer');
    return group.map(({ text, finishReason, logProb, refusal }): EvaluationJudgment => {
      const judgment =
        refusal === undefined
          ? readVerdict({ text, finishReason }, ruleFor(spec, one.example), mode)
          : { ok: false as const, reason: refusal };
      const known = sampleCount > 1 && logProb !== undefined && { logProb };
      return { ...placeOf(one), label: one.example.label, text, finishReason, judgment, ...known };
    });
  });
}

function placeOf({ example, exampleIndex, order }: Shown) {
  return { exampleId: example.id, exampleIndex, swapped: order > 0, ...(order > 1 && { order }) };
}
