/** The prompts that a recipe will show a policy: admission checks them before the first is asked. */
import type { AnswerMode, Split } from '../../judge/example.ts';
import type { ProbeName } from '../../recipes/fields/evaluation-fields.ts';
import { trainedArms } from '../../recipes/arms.ts';
import type { Recipe, TrainedArm } from '../../recipes/recipe.ts';
import { evaluatedTasks, trainedTasks } from '../../recipes/task-sets.ts';
import type { AdmitInput } from '../../contract/admission.ts';
import { trainingOf } from '../training/objectives/table.ts';

/** Prompts of one task's split in one mode, and the completions that follow them. */
export interface Ask {
  readonly task: string;
  readonly split: Split;
  readonly mode: AnswerMode;
  /** Maximum token count of the answer, or `target`: the example's own target, as supervised training teaches it. */
  readonly completion: number | 'target';
  readonly probes: readonly ProbeName[];
  /** Whether label probabilities are asked for. */
  readonly isForced: boolean;
}

/** Returns the asks of a recipe without duplicates, in an order that depends only on the recipe. */
export function asksOf(recipe: Recipe, asked: AdmitInput['asked']): Ask[] {
  const { tokenCountMax } = recipe.evaluation;
  if (asked.by === 'rows')
    return [
      { task: asked.task, split: 'test', mode: asked.mode, completion: tokenCountMax, probes: [], isForced: true },
    ];
  const arms = Object.values(recipe.arms);
  const evaluated = asked.by === 'policy' ? [asked.mode] : arms.map(({ mode }) => mode);
  const trained = asked.by === 'policy' ? [] : trainedArms(recipe).flatMap(([, arm]) => trainingAsks(recipe, arm));
  return unique([...trained, ...evaluated.flatMap((mode) => evaluationAsks(recipe, mode))]);
}

function trainingAsks(recipe: Recipe, arm: TrainedArm): Ask[] {
  const { completion } = trainingOf(arm);
  const { mode } = arm;
  const common = { mode, probes: [], isForced: false };
  const { tokenCountMax } = recipe.evaluation;
  const { validation } = arm;
  return trainedTasks(recipe, arm).flatMap((task): Ask[] => [
    { task, split: 'train', completion, ...common },
    ...(validation ? [{ task, split: validation.split, completion: tokenCountMax, ...common }] : []),
  ]);
}

function evaluationAsks(recipe: Recipe, own: AnswerMode): Ask[] {
  const { split, tokenCountMax: completion, modes, probes } = recipe.evaluation;
  const isForced = modes.includes('forced-choice');
  const others = (['think', 'direct'] as const).filter((mode) => mode !== own && modes.includes(`${mode}-prompt`));
  return evaluatedTasks(recipe).flatMap((task) => [
    { task, split, mode: own, completion, probes, isForced },
    ...others.map((mode): Ask => ({ task, split, mode, completion, probes: [], isForced })),
  ]);
}

function unique(asks: readonly Ask[]): Ask[] {
  return [...new Map(asks.map((ask) => [JSON.stringify(ask), ask])).values()];
}
