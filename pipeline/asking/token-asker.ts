/** Asks an engine: prompts as tokens, in batches; answers decoded, labels scored at the verdict's position. */
import { required } from '../../core/assert.ts';
import { labelProbabilities } from '../../judge/evaluation/forced-choice.ts';
import type { AnswerMode, Example, Judgment } from '../../judge/example.ts';
import { ruleFor } from '../../judge/tasks/candidates.ts';
import type { LabelledPrompt, MemorySpec, Sampling } from '../../policy/engine.ts';
import type { EvaluationSpec } from '../../recipes/fields/evaluation-fields.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { HeldEngine } from '../policies/policy-states.ts';
import type { Asker, Questions, SaidAnswer } from './asker.ts';
import { forcedCompletion } from './forced-completion.ts';
import type { Answering } from './kept-answers.ts';
import type { PromptedDataset } from './prompts/prompter.ts';
import { type PromptSeries, promptSeries } from './prompts/prompt-series.ts';

export interface TokenAsking {
  readonly held: { readonly engine: Answering; readonly waits: HeldEngine['waits'] };
  readonly prompted: Pick<PromptedDataset, 'encode' | 'encodeAsked' | 'completion' | 'decode' | 'tokens'>;
  readonly evaluation: Pick<EvaluationSpec, 'seed' | 'promptCountPerBatch'>;
  /** The recipe's stop sequences, as token ids. */
  readonly ending: Pick<Sampling, 'stopSequences'>;
  /** The recipe's memory settings. They do not change answers; they change probabilities only by rounding. */
  readonly memory?: MemorySpec;
  readonly spec: TaskSpec;
}

export function tokenAsker(asking: TokenAsking): Asker {
  const { held, prompted } = asking;
  const questions = async (series: Promise<PromptSeries>, examples: readonly Example[], mode: AnswerMode) =>
    tokenQuestions(asking, await held.waits.for(series), examples, mode);
  return {
    lacks: {},
    ofExamples: (examples, mode) =>
      questions(
        promptSeries(examples, (example) => prompted.encode(example, mode)),
        examples,
        mode,
      ),
    ofChanged: (asked, mode) =>
      questions(
        promptSeries(asked, (each) => prompted.encodeAsked(each, mode)),
        asked.map(({ example }) => example),
        mode,
      ),
  };
}

/** `prompts` are those of the examples, in order; they are read batch by batch. */
export function tokenQuestions(
  asking: TokenAsking,
  prompts: PromptSeries,
  examples: readonly Example[],
  mode: AnswerMode,
): Questions {
  return {
    answers: (sampling, sampleCount) => answers(asking, prompts, sampling, sampleCount),
    labelProbabilities: (judgments) => verdictProbabilities(asking, examples, prompts, judgments, mode),
  };
}

async function answers(
  { held, prompted, evaluation, ending, memory }: TokenAsking,
  prompts: PromptSeries,
  sampling: Sampling,
  sampleCount: number,
): Promise<SaidAnswer[][]> {
  const found: SaidAnswer[][] = [];
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
    for (const group of groups) {
      found.push(
        group.map(({ tokenIds, logProbs, finishReason }) => {
          const logProb = logProbs.reduce((sum, each) => sum + each, 0);
          return { text: prompted.decode(tokenIds), finishReason, logProb };
        }),
      );
    }
  }
  return found;
}

/**
 * Probabilities of the task's labels at the verdict's position, as [prompt][label]. The verdict follows the judge's own
 * rationale if that could be parsed, else it comes first. Each label is a completion in the task's verdict format; one
 * prompt carries all labels.
 */
async function verdictProbabilities(
  { held, prompted, evaluation, memory, spec }: TokenAsking,
  examples: readonly Example[],
  prompts: PromptSeries,
  judgments: readonly Judgment[],
  mode: AnswerMode,
): Promise<number[][]> {
  const found: number[][] = [];
  for (const [from, to] of prompts.batches(countOf(evaluation, spec.labels.length))) {
    const encoded = await held.waits.for(prompts.slice(from, to));
    const labelled = encoded.map((prompt, i): LabelledPrompt => {
      const judgment = required(judgments[from + i], 'a judgment for every prompt');
      const { labels } = ruleFor(spec, required(examples[from + i], 'an example for every prompt'));
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
function countOf({ promptCountPerBatch }: TokenAsking['evaluation'], rowsPerPrompt: number): number {
  return Math.max(1, Math.floor(promptCountPerBatch / rowsPerPrompt));
}
