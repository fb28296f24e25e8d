/**
 * Evaluates one policy on one task, however it is asked: parses and scores greedy answers, and adds the extras that the
 * recipe's `evaluation` asks for. Examples are shown in all orders of their kind.
 */
import { required } from '../../core/assert.ts';
import type { JudgedExample } from '../../judge/evaluation/metric.ts';
import type { VariantScores } from '../../judge/evaluation/task-scores.ts';
import type { Example } from '../../judge/example.ts';
import { hasForcedChoice } from '../../judge/kinds/table.ts';
import { taskScores } from '../../judge/evaluation/scores.ts';
import { ordersOf, otherOrders } from '../../judge/tasks/reorder.ts';
import type { EvaluationSpec } from '../../recipes/fields/evaluation-fields.ts';
import type { Recipe, TaskSpec } from '../../recipes/recipe.ts';
import type { EvaluateInput, TaskScores } from '../../contract/activities.ts';
import type { OpenDataset } from '../data/dataset-artifact.ts';
import { taskOf } from '../recipe-access.ts';
import { answers, type Asking, type Shown } from './answers.ts';
import { chosenExamples } from './chosen-examples.ts';
import { askExtras } from './evaluate-extras.ts';
import type { EvaluationJudgment, EvaluationJudgments } from './judgments-artifact.ts';

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

/** Examples of one task's split in the dataset, all or those that the evaluation chooses, each in every order of its kind. */
export async function shownOf(
  dataset: Pick<OpenDataset, 'rowsOf' | 'examplesAt'>,
  spec: TaskSpec,
  { task, split }: Pick<EvaluateInput, 'task' | 'split'>,
  evaluation: Pick<EvaluationSpec, 'exampleCountMax' | 'seed'> = { seed: 0 },
): Promise<Shown[]> {
  const rows = await dataset.rowsOf(task, split);
  const examples = await dataset.examplesAt(rows);
  const stored = examples.map((example, i): Shown => ({
    ...{ example, exampleIndex: required(rows[i], 'a row'), order: 0 },
  }));
  return chosenExamples(stored, ({ example }) => example.groupKey, task, evaluation).flatMap((one) => [
    one,
    ...otherOrders(one.example, spec).map((example, k): Shown => ({ ...one, example, order: k + 1 })),
  ]);
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
  if (!evaluation.modes.includes('forced-choice') || !hasForcedChoice(asking.spec)) return { judgments, unforced: [] };
  const { labelProbabilities: refused } = asker.lacks;
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
  const stored = new Map(shown.filter(({ order }) => order === 0).map((one) => [one.exampleIndex, one.example.id]));
  const orderOf = (example: Example, order: number) => required(ordersOf(example, spec)[order], 'the order shown');
  const judged = shown.map(({ example, exampleIndex, order }, i): JudgedExample => {
    const { judgment, probabilities } = required(judgments[i], 'an answer to every prompt');
    return {
      ...{ example, judgment },
      ...(order > 0 && {
        reordered: { of: required(stored.get(exampleIndex), 'the stored example'), order: orderOf(example, order) },
      }),
      ...(probabilities && { probabilities }),
    };
  });
  const { bootstrapResampleCount: resampleCount, seed, rationaleCues } = recipe.evaluation;
  return taskScores({ task, spec, split, judged, resampleCount, seed, cues: rationaleCues[task] });
}
