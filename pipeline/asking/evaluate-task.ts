/**
 * Evaluates one policy on one task, however it is asked: parses and scores greedy answers, and adds the extras that the
 * recipe's `evaluation` asks for. Examples are shown in all orders of their kind.
 */
import { required } from '../../core/assert.ts';
import type { VariantScores } from '../../judge/evaluation/task-scores.ts';
import { hasForcedChoice } from '../../judge/kinds/table.ts';
import { taskScores } from '../../judge/evaluation/scores.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { EvaluateInput, TaskScores } from '../../contract/activities.ts';
import { taskOf } from '../recipe-access.ts';
import { answers, type Asking } from './answers.ts';
import { askExtras } from './evaluate-extras.ts';
import type { EvaluationJudgment, EvaluationJudgments } from './judgments-artifact.ts';
import { judgedOf, type Shown, shownOf } from './shown.ts';

/** The evaluation settings that affect one task's answers, for the key: settings of other tasks are left out. */
export function settingsOf({ evaluation }: Recipe, task: string) {
  const { tasks: _tasks, split: _split, paraphrases, longerAnswer, rationaleCues, ...rest } = evaluation;
  return {
    ...rest,
    paraphrases: paraphrases[task] ?? null,
    longerAnswer: longerAnswer[task] ?? null,
    rationaleCues: rationaleCues[task] ?? null,
  };
}

export interface Evaluated {
  readonly artifact: EvaluationJudgments;
  readonly scores: TaskScores;
}

export async function evaluateTask(
  asking: Asking,
  recipe: Recipe,
  { task, split }: Pick<EvaluateInput, 'task' | 'split'>,
): Promise<Evaluated> {
  const { evaluation } = recipe;
  const { dataset, spec, waits } = asking;
  const shown = await waits.for(shownOf(dataset, spec, { task, split }, evaluation));
  const { judgments, unforced } = await strictly(asking, shown, recipe);
  const {
    samples,
    variants = [],
    judgments: variantJudgments,
  } = await askExtras({
    ...{ asking, evaluation, task, shown },
    strict: judgments,
  });
  const scores = scoresOf(recipe, { task, split }, shown, judgments);
  const asked = [...unforced, ...variants];
  return {
    artifact: { schema: 1, task, judgments, ...(variantJudgments && { variants: variantJudgments }) },
    scores: { ...scores, ...(samples && { samples }), ...(asked.length > 0 && { variants: asked }) },
  };
}

interface Strict {
  readonly judgments: readonly EvaluationJudgment[];
  /** That forced choice was not run, and why, if the recipe asks for it and the policy lacks it. */
  readonly unforced: readonly VariantScores[];
}

async function strictly(asking: Asking, shown: readonly Shown[], { evaluation }: Recipe): Promise<Strict> {
  const { asker, mode } = asking;
  const questions = await asker.ofExamples(
    shown.map(({ example }) => example),
    mode,
  );
  const sampling = { temperature: 1, greedy: true, tokenCountMax: evaluation.tokenCountMax };
  const judgments = (await answers(asking, shown, questions, sampling, 1)).flat();
  if (!evaluation.modes.includes('forced-choice')) return { judgments, unforced: [] };
  const refused = hasForcedChoice(asking.spec)
    ? asker.lacks.labelProbabilities
    : 'verdicts of this task are no labels whose probabilities could be asked for';
  if (refused !== undefined) return { judgments, unforced: [{ name: 'forced-choice', refused }] };
  const probabilities = await required(
    questions.labelProbabilities,
    'probabilities of labels',
  )(judgments.map(({ judgment }) => judgment));
  return {
    judgments: judgments.map((one, i) => ({ ...one, probabilities: required(probabilities[i], one.exampleId) })),
    unforced: [],
  };
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
