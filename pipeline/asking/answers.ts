/** Samples a policy's answers in batches, decodes and parses them, and scores labels at the verdict's position. */
import { required } from '../../core/assert.ts';
import { labelProbabilities } from '../../judge/evaluation/forced-choice.ts';
import type { AnswerMode, Judgment } from '../../judge/example.ts';
import { readVerdict } from '../../judge/tasks/read-verdict.ts';
import type { LabelledPrompt, MemorySpec, Sampling } from '../../policy/engine.ts';
import type { EvaluationSpec } from '../../recipes/fields/evaluation-fields.ts';
import { ruleFor } from '../../judge/tasks/candidates.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { EvaluationJudgment } from './judgments-artifact.ts';
import type { Answering } from './kept-answers.ts';
import type { HeldEngine } from '../policies/policy-states.ts';
import { forcedCompletion } from './forced-completion.ts';
import type { PromptedDataset } from './prompter.ts';
import type { PromptSeries } from './prompt-series.ts';
import type { Shown } from './shown.ts';

export interface Asking {
  readonly held: { readonly engine: Answering; readonly waits: HeldEngine['waits'] };
  readonly prompted: PromptedDataset;
  readonly evaluation: Pick<EvaluationSpec, 'seed' | 'promptCountPerBatch'>;
  /** The recipe's stop sequences, as token ids. */
  readonly ending: Pick<Sampling, 'stopSequences'>;
  /** The recipe's memory settings. They do not change answers; they change probabilities only by rounding. */
  readonly memory?: MemorySpec;
  readonly spec: TaskSpec;
  readonly mode: AnswerMode;
}

/** Returns answers as [shown][sample]. `prompts` are the prompts of `shown`, in order; they are read batch by batch. */
export async function answers(
  asking: Asking,
  shown: readonly Shown[],
  prompts: PromptSeries,
  sampling: Sampling,
  sampleCount: number,
): Promise<EvaluationJudgment[][]> {
  const { held, prompted, evaluation, ending, memory, spec, mode } = asking;
  const found: EvaluationJudgment[][] = [];
  for (const [from, to] of prompts.batches(countOf(evaluation, sampleCount))) {
    const { groups } = await held.engine.sample({
      prompts: await held.waits.for(prompts.slice(from, to)),
      promptOffset: from,
      ...prompts.sizes,
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
          const judgment = readVerdict({ text, finishReason }, ruleFor(spec, one.example), mode);
          const logProb = sampleCount > 1 && { logProb: logProbs.reduce((sum, each) => sum + each, 0) };
          return { ...placeOf(one), label: one.example.label, text, finishReason, judgment, ...logProb };
        }),
      );
    });
  }
  return found;
}

function placeOf({ example, exampleIndex, order }: Shown) {
  return { exampleId: example.id, exampleIndex, swapped: order > 0, ...(order > 1 && { order }) };
}

/**
 * Probabilities of the task's labels at the verdict's position, as [prompt][label]. The verdict follows the judge's own
 * rationale if that could be parsed, else it comes first. Each label is a completion in the task's verdict format; one
 * prompt carries all labels.
 */
export async function verdictProbabilities(
  { held, prompted, evaluation, memory, spec, mode }: Asking,
  shown: readonly Shown[],
  prompts: PromptSeries,
  judgments: readonly Judgment[],
): Promise<number[][]> {
  const found: number[][] = [];
  for (const [from, to] of prompts.batches(countOf(evaluation, spec.labels.length))) {
    const encoded = await held.waits.for(prompts.slice(from, to));
    const labelled = encoded.map((prompt, i): LabelledPrompt => {
      const judgment = required(judgments[from + i], 'a judgment for every prompt');
      const { labels } = ruleFor(spec, required(shown[from + i], 'an example for every prompt').example);
      return {
        prompt,
        completions: labels.map((label) => forcedCompletion(prompted, label, spec, mode, judgment)),
      };
    });
    const asked = await held.engine.labelLogProbs({
      prompts: labelled,
      ...(memory && { memory }),
      temperature: 1,
      tokens: prompted.tokens,
    });
    found.push(...asked.map((logProbs) => padded(labelProbabilities(logProbs), spec.labels.length)));
  }
  return found;
}

/** Labels that an example does not allow have no probability. */
function padded(probabilities: readonly number[], count: number): number[] {
  return Array.from({ length: count }, (_, i) => probabilities[i] ?? 0);
}

/** Prompts per engine call, at least 1, so that its rows stay within the recipe's `promptCountPerBatch`. */
function countOf({ promptCountPerBatch }: Asking['evaluation'], rowsPerPrompt: number): number {
  return Math.max(1, Math.floor(promptCountPerBatch / rowsPerPrompt));
}
