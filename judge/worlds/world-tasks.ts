/** The tasks of the judge world: what a recipe must declare for each, and what an example of them is made of. */
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { CaptionWords } from './annotator.ts';
import { criterionNames, type FormatWorldTask, formatWorldTasks, places } from './formats.ts';
import type { Scene } from './scene.ts';
import { type PairwiseWorldTask, pairwiseWorldTasks, pointwiseWorldTasks } from './verdicts.ts';

export const worldTaskNames = [...pointwiseWorldTasks, 'describe', ...pairwiseWorldTasks, ...formatWorldTasks] as const;
export type WorldTask = (typeof worldTaskNames)[number];

const isOneOf =
  <Name extends string>(names: readonly Name[]) =>
  (name: string): name is Name =>
    (names as readonly string[]).includes(name);
export const isWorldTask = isOneOf(worldTaskNames);
export const isPairwiseWorldTask: (name: string) => name is PairwiseWorldTask = isOneOf(pairwiseWorldTasks);
export const isFormatWorldTask: (name: string) => name is FormatWorldTask = isOneOf(formatWorldTasks);

/** The parts of a task that a recipe must declare as the world has them. */
export type DeclaredTask = Pick<TaskSpec, 'kind' | 'labels' | 'criteria'>;

const ofFormats: Readonly<Record<FormatWorldTask, DeclaredTask>> = {
  'pair-tie': { kind: 'pairwise', labels: ['first', 'second', 'same'] },
  'best-of-three': { kind: 'choice', labels: [...places] },
  'rank-three': { kind: 'ranking', labels: [...places] },
  'three-criteria': {
    kind: 'criteria',
    labels: ['yes', 'no'],
    criteria: Object.fromEntries(criterionNames.map((name) => [name, null])),
  },
};

export function declaredTask(name: WorldTask): DeclaredTask {
  if (isFormatWorldTask(name)) return ofFormats[name];
  if (isPairwiseWorldTask(name)) return { kind: 'pairwise', labels: ['first', 'second'] };
  return { kind: 'pointwise', labels: ['yes', 'no'] };
}

/**
 * Identifies an example. Its randomness is a function of these fields alone, so it does not depend on how many examples
 * there are.
 */
export interface WorldPlace {
  readonly seed: number;
  readonly task: WorldTask;
  readonly split: string;
  readonly index: number;
}

/** An example before rendering: scenes in prompt order, and the annotator's answer. */
export interface WorldSketch {
  readonly scenes: readonly Scene[];
  readonly caption?: CaptionWords;
  readonly rationale: readonly string[];
  readonly label: string;
}
