/** What a policy answers to prompts: sampled in batches, decoded, read strictly; and how likely each label is at the verdict's place. */
import { required } from '../core/assert.ts';
import { labelProbabilities } from '../judge/evaluation/forced-choice.ts';
import type { AnswerMode, Example, Judgment } from '../judge/example.ts';
import { targetText } from '../judge/tasks/completion.ts';
import { readVerdict } from '../judge/tasks/read-verdict.ts';
import type { EncodedPrompt, LabelledPrompt, MemorySpec, Sampling } from '../policy/engine.ts';
import type { EvaluationSpec } from '../recipes/evaluation-fields.ts';
import type { TaskSpec } from '../recipes/recipe.ts';
import type { EvaluationJudgment } from './judgments-artifact.ts';
import type { HeldEngine } from './policy-states.ts';
import type { PromptedDataset } from './prompter.ts';
import { largestOf } from './rollout.ts';

/** An example as it is put before the judge: a pair comes in both orders. */
export interface Shown {
  readonly example: Example;
  /** Into the dataset; of the stored pair where this is its other order. */
  readonly exampleIndex: number;
  readonly swapped: boolean;
}

export interface Asking {
  readonly held: HeldEngine;
  readonly prompted: PromptedDataset;
  readonly evaluation: Pick<EvaluationSpec, 'seed' | 'promptCountPerBatch'>;
  /** With what answers end, of the recipe. */
  readonly ending: Pick<Sampling, 'stopSequences'>;
  /** Of the recipe; changes no answer, and probabilities by rounding. */
  readonly memory?: MemorySpec;
  readonly spec: TaskSpec;
  readonly mode: AnswerMode;
}

/** [shown][sample]. `prompts` are those of `shown`, in order. */
export async function answers(
  asking: Asking,
  shown: readonly Shown[],
  prompts: readonly EncodedPrompt[],
  sampling: Sampling,
  sampleCount: number,
): Promise<EvaluationJudgment[][]> {
  const { held, prompted, evaluation, ending, memory, spec, mode } = asking;
  const sizes = largestOf(prompts);
  const found: EvaluationJudgment[][] = [];
  for (const [from, to] of batches(prompts.length, evaluation.promptCountPerBatch, sampleCount)) {
    const { groups } = await held.engine.sample({
      prompts: prompts.slice(from, to),
      promptOffset: from,
      ...sizes,
      ...(memory && { memory }),
      tokens: prompted.tokens,
      groupSize: sampleCount,
      sampling: { ...sampling, ...ending },
      seed: evaluation.seed,
      step: 0,
    });
    groups.forEach((group, i) => {
      const one = required(shown[from + i], 'a prompt for every answer');
      found.push(
        group.map(({ tokenIds, logProbs, finishReason }) => {
          const text = prompted.decode(tokenIds);
          const judgment = readVerdict({ text, finishReason }, spec, mode);
          const logProb = sampleCount > 1 && { logProb: logProbs.reduce((sum, each) => sum + each, 0) };
          return { ...placeOf(one), label: one.example.label, text, finishReason, judgment, ...logProb };
        }),
      );
    });
  }
  return found;
}

function placeOf({ example, exampleIndex, swapped }: Shown) {
  return { exampleId: example.id, exampleIndex, swapped };
}

/**
 * Probabilities of the task's labels at the place of the verdict: behind the judge's own rationale where it gave one
 * that can be read, else at once. Each label is a completion in the task's form; one prompt carries all of them.
 */
export async function verdictProbabilities(
  { held, prompted, evaluation, memory, spec, mode }: Asking,
  prompts: readonly EncodedPrompt[],
  judgments: readonly Judgment[],
): Promise<number[][]> {
  const labelled = prompts.map((prompt, i): LabelledPrompt => {
    const judgment = required(judgments[i], 'a judgment for every prompt');
    const texts = spec.labels.map((label) => forcedText(label, spec, mode, judgment));
    return { prompt, completions: texts.map((text) => prompted.completion(text)) };
  });
  const found: number[][] = [];
  for (const [from, to] of batches(labelled.length, evaluation.promptCountPerBatch, spec.labels.length)) {
    const asked = await held.engine.labelLogProbs({
      prompts: labelled.slice(from, to),
      ...(memory && { memory }),
      temperature: 1,
      tokens: prompted.tokens,
    });
    found.push(...asked.map(labelProbabilities));
  }
  return found;
}

function forcedText(label: string, { verdictFormat }: TaskSpec, mode: AnswerMode, judgment: Judgment): string {
  const rationale = judgment.ok ? judgment.rationale : '';
  const isReasoned = mode === 'think' && rationale !== '';
  return targetText(
    { id: label, label, ...(isReasoned && { rationale }) },
    isReasoned ? 'think' : 'direct',
    verdictFormat,
  );
}

/** [from, to) of each batch: as many prompts as keep the rows of an engine call within `countPerBatch` when each has several. */
function batches(count: number, countPerBatch: number, rowsPerPrompt: number): (readonly [number, number])[] {
  const size = Math.max(1, Math.floor(countPerBatch / rowsPerPrompt));
  const starts = Array.from({ length: Math.ceil(count / size) }, (_, i) => i * size);
  return starts.map((from) => [from, Math.min(count, from + size)] as const);
}
