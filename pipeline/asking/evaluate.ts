/**
 * Evaluates one policy on one task: parses and scores greedy answers, and adds the extras that the recipe's
 * `evaluation` asks for. Examples are shown in all orders of their kind.
 */
import { required } from '../../core/assert.ts';
import { hasForcedChoice } from '../../judge/kinds/table.ts';
import { taskScores } from '../../judge/evaluation/scores.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import { answers, type Asking, verdictProbabilities } from './answers.ts';
import type { ComputeContext } from '../compute-context.ts';
import type { EvaluateInput, EvaluateResult, TaskScores } from '../../contract/activities.ts';
import { summaryOf } from './kept-evaluation.ts';
import { durable } from '../durable.ts';
import { askExtras } from './evaluate-extras.ts';
import { keptAnswers } from './kept-answers.ts';
import type { EvaluationJudgment, EvaluationJudgments } from './judgments-artifact.ts';
import { promptSeries } from './prompt-series.ts';
import type { PromptedDataset } from './prompter.ts';
import { judgedOf, type Shown, shownOf } from './shown.ts';
import { memoryOf, promptingOf, recipeOf, taskOf } from '../recipe-access.ts';
import { endedBy } from '../training/sampling.ts';
import type { Caller } from '../heartbeat.ts';

export function createEvaluate(context: ComputeContext) {
  const { cache, states, processors, prompter } = context;
  return async (input: EvaluateInput, caller: Caller): Promise<EvaluateResult> => {
    const { dataset, policy, task, split, mode } = input;
    const recipe = await recipeOf(cache, input.recipe);
    const prompting = promptingOf(recipe, [task]);
    const key = {
      inputs: { snapshot: policy.snapshot, log: policy.log, dataset },
      config: {
        ...prompting,
        evaluation: settingsOf(recipe, task),
        stopSequences: recipe.stopSequences,
        // A memory limit splits batches, which changes the last bits of probabilities but no sampled token.
        ...(recipe.evaluation.modes.includes('forced-choice') && memoryOf(recipe)),
        ...{ task, split, mode },
      },
    };
    const { outputs, summary, ...made } = await durable(context.deps, 'evaluate', key, () =>
      states.withPolicy(caller, { policy }, async (held) => {
        const { waits } = held;
        const loaded = await waits.for(processors.of(policy.snapshot));
        const prompted = await waits.for(prompter.open(loaded, dataset, prompting));
        const startedAtMs = performance.now();
        const engine = keptAnswers(context.deps, policy, held.engine);
        const { artifact, scores } = await judge({ engine, waits }, prompted, recipe, input);
        const computeMs = performance.now() - startedAtMs;
        return { outputs: { judgments: await waits.for(cache.put(artifact)) }, summary: { scores }, computeMs };
      }),
    );
    return { ...made, ...outputs, scores: summaryOf(summary.scores) };
  };
}

/** The evaluation settings that affect one task's answers, for the key: settings of other tasks are left out. */
function settingsOf({ evaluation }: Recipe, task: string) {
  const { tasks: _tasks, split: _split, paraphrases, longerAnswer, rationaleCues, ...rest } = evaluation;
  return {
    ...rest,
    paraphrases: paraphrases[task] ?? null,
    longerAnswer: longerAnswer[task] ?? null,
    rationaleCues: rationaleCues[task] ?? null,
  };
}

async function judge(
  held: Asking['held'],
  prompted: PromptedDataset,
  recipe: Recipe,
  { task, split, mode }: EvaluateInput,
): Promise<{ readonly artifact: EvaluationJudgments; readonly scores: TaskScores }> {
  const { evaluation } = recipe;
  const spec = taskOf(recipe, task);
  const asking: Asking = {
    held,
    prompted,
    evaluation,
    ending: endedBy(recipe, prompted),
    ...memoryOf(recipe),
    spec,
    mode,
  };
  const shown = await asking.held.waits.for(shownOf(prompted.dataset, spec, { task, split }, evaluation));
  const judgments = await strictly(asking, shown, recipe);
  const {
    samples,
    variants,
    judgments: variantJudgments,
  } = await askExtras({
    ...{ asking, evaluation, task, shown },
    strict: judgments,
  });
  const scores = scoresOf(recipe, { task, split }, shown, judgments);
  return {
    artifact: { schema: 1, task, judgments, ...(variantJudgments && { variants: variantJudgments }) },
    scores: { ...scores, ...(samples && { samples }), ...(variants && { variants }) },
  };
}

async function strictly(
  asking: Asking,
  shown: readonly Shown[],
  { evaluation }: Recipe,
): Promise<EvaluationJudgment[]> {
  const { held, prompted, mode } = asking;
  const prompts = await held.waits.for(promptSeries(shown, ({ example }) => prompted.encode(example, mode)));
  const sampling = { temperature: 1, greedy: true, tokenCountMax: evaluation.tokenCountMax };
  const judgments = (await answers(asking, shown, prompts, sampling, 1)).flat();
  if (!evaluation.modes.includes('forced-choice') || !hasForcedChoice(asking.spec)) return judgments;
  const probabilities = await verdictProbabilities(
    asking,
    shown,
    prompts,
    judgments.map(({ judgment }) => judgment),
  );
  return judgments.map((one, i) => ({ ...one, probabilities: required(probabilities[i], one.exampleId) }));
}

function scoresOf(
  recipe: Recipe,
  { task, split }: Pick<EvaluateInput, 'task' | 'split'>,
  shown: readonly Shown[],
  judgments: readonly EvaluationJudgment[],
): TaskScores {
  const spec = taskOf(recipe, task);
  const judged = judgedOf(shown, spec, judgments);
  const { bootstrapResampleCount: resampleCount, seed, rationaleCues } = recipe.evaluation;
  return taskScores({ task, spec, split, judged, resampleCount, seed, cues: rationaleCues[task] });
}
