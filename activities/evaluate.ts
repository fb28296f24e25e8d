/** One policy on one task: greedy answers, read strictly, scored. Pairs are shown in both orders. */
import { Context } from '@temporalio/activity';
import { required } from '../core/assert.ts';
import type { JudgedExample } from '../judge/evaluation/scores.ts';
import { taskScores } from '../judge/evaluation/scores.ts';
import type { AnswerMode, Example } from '../judge/example.ts';
import { parseCompletion } from '../judge/tasks/parse.ts';
import { swapPair } from '../judge/tasks/swap.ts';
import type { SampleRequest } from '../policy/engine.ts';
import type { Recipe, TaskSpec } from '../recipes/recipe.ts';
import type { ComputeContext } from './compute-context.ts';
import type { EvaluateInput, EvaluateResult, TaskScores } from './contract.ts';
import { durable } from './durable.ts';
import type { EvaluationJudgment, EvaluationJudgments } from './judgments-artifact.ts';
import type { HeldEngine } from './policy-states.ts';
import type { PromptedDataset } from './prompter.ts';
import { promptingOf, recipeOf, taskOf } from './recipe-access.ts';
import { longest } from './rollout.ts';

export function createEvaluate(context: ComputeContext) {
  const { cache, states, processors, prompter } = context;
  return async (input: EvaluateInput): Promise<EvaluateResult> => {
    const { dataset, policy, task, split, mode } = input;
    const recipe = await recipeOf(cache, input.recipe);
    const prompting = promptingOf(recipe, [task]);
    const key = {
      inputs: { snapshot: policy.snapshot, log: policy.log, dataset },
      config: { ...prompting, evaluation: settingsOf(recipe), task, split, mode },
    };
    const { outputs, summary, ...made } = await durable(context.deps, 'evaluate', key, () =>
      states.withPolicy(Context.current(), { policy }, async (held) => {
        const { waits } = held;
        const loaded = await waits.for(processors.of(policy.snapshot));
        const prompted = await waits.for(prompter.open(loaded, dataset, prompting));
        const startedAtMs = performance.now();
        const judgments = await judge(held, prompted, recipe, input);
        const computeMs = performance.now() - startedAtMs;
        const artifact: EvaluationJudgments = { schema: 1, task, judgments };
        const outputs = { judgments: await waits.for(cache.put(artifact)) };
        return { outputs, summary: { scores: scoresOf(recipe, input, prompted, judgments) }, computeMs };
      }),
    );
    return { ...made, ...outputs, ...summary };
  };
}

/** Which tasks are asked does not decide the answers to one of them. */
function settingsOf({ evaluation }: Recipe) {
  const { tokenCountMax, bootstrapResampleCount, seed, promptCountPerBatch } = evaluation;
  return { tokenCountMax, bootstrapResampleCount, seed, promptCountPerBatch };
}

interface Shown {
  readonly example: Example;
  readonly exampleIndex: number;
  readonly swapped: boolean;
}

function shownOf({ examples }: PromptedDataset, spec: TaskSpec, task: string, split: string): Shown[] {
  const stored = examples.flatMap((example, exampleIndex): Shown[] =>
    example.task === task && example.split === split ? [{ example, exampleIndex, swapped: false }] : [],
  );
  if (spec.kind !== 'pairwise') return stored;
  return stored.flatMap((one) => [one, { ...one, example: swapPair(one.example, spec.labels), swapped: true }]);
}

async function judge(
  held: HeldEngine,
  prompted: PromptedDataset,
  recipe: Recipe,
  { task, split, mode }: EvaluateInput,
): Promise<EvaluationJudgment[]> {
  const spec = taskOf(recipe, task);
  const shown = shownOf(prompted, spec, task, split);
  const prompts = await held.waits.for(Promise.all(shown.map(({ example }) => prompted.encode(example, mode))));
  const promptTokenCountMax = longest(prompts);
  const { promptCountPerBatch } = recipe.evaluation;
  const judgments: EvaluationJudgment[] = [];
  for (let from = 0; from < shown.length; from += promptCountPerBatch) {
    const batch = shown.slice(from, from + promptCountPerBatch);
    const answers = await sample(held, recipe, {
      prompts: prompts.slice(from, from + promptCountPerBatch),
      promptOffset: from,
      promptTokenCountMax,
      tokens: prompted.tokens,
    });
    answers.forEach(({ tokenIds, finishReason }, i) => {
      const one = required(batch[i], 'a prompt for every answer');
      const text = prompted.decode(tokenIds);
      judgments.push(judgmentOf(one, text, finishReason, spec, mode));
    });
  }
  return judgments;
}

async function sample(
  { engine }: HeldEngine,
  { evaluation }: Recipe,
  batch: Pick<SampleRequest, 'prompts' | 'promptOffset' | 'promptTokenCountMax' | 'tokens'>,
) {
  const { groups } = await engine.sample({
    ...batch,
    groupSize: 1,
    sampling: { temperature: 1, greedy: true, tokenCountMax: evaluation.tokenCountMax },
    seed: evaluation.seed,
    step: 0,
  });
  return groups.map((group) => required(group[0], 'an answer'));
}

function judgmentOf(
  { example, exampleIndex, swapped }: Shown,
  text: string,
  finishReason: 'stop' | 'length',
  { labels }: TaskSpec,
  mode: AnswerMode,
): EvaluationJudgment {
  const judgment = parseCompletion({ text, finishReason }, labels, mode);
  return { exampleId: example.id, exampleIndex, swapped, label: example.label, text, finishReason, judgment };
}

function scoresOf(
  recipe: Recipe,
  { task, split }: EvaluateInput,
  prompted: PromptedDataset,
  judgments: readonly EvaluationJudgment[],
): TaskScores {
  const spec = taskOf(recipe, task);
  const judged = judgments.map(({ exampleIndex, swapped, judgment }): JudgedExample => {
    const example = prompted.example(exampleIndex);
    return swapped
      ? { example: swapPair(example, spec.labels), judgment, swappedOf: example.id }
      : { example, judgment };
  });
  const { bootstrapResampleCount: resampleCount, seed } = recipe.evaluation;
  return taskScores({ task, spec, split, judged, resampleCount, seed });
}
