/**
 * The mixture: which training examples each step sees. What step k sees is a function of the examples, the seed, k and,
 * under a curriculum, of the rewards that were recorded before its segment; a resume cannot skip or repeat anything.
 * Default: the plain union of the tasks' examples, shuffled anew each epoch (arXiv 2603.11665).
 */
import { assert, required } from '../core/assert.ts';
import { MtrlError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import type { MixtureSpec } from '../recipes/mixture-fields.ts';
import type { Example } from './example.ts';
import { EpochStream, type EpochPlace } from './mixture/epoch-stream.ts';
import { TaskTurns, taskShares } from './mixture/task-shares.ts';

export interface MixtureRequest {
  /** The whole dataset, in its stored order. */
  readonly examples: readonly Pick<Example, 'task' | 'split'>[];
  /** Tasks to train on. */
  readonly tasks: readonly string[];
  readonly seed: number;
  readonly stepCount: number;
  readonly exampleCountPerStep: number;
  /** The plain union when left out. */
  readonly mixture?: MixtureSpec;
  /** Steps before this one are another segment's; 0 when left out. */
  readonly fromStep?: number;
  /** The segment before, where there is one: its streams go on. */
  readonly places?: MixturePlan['places'];
  /** Chance in (0, 1] that an example is taken when its turn comes; 1 for every one when left out. */
  readonly chanceOf?: (exampleIndex: number) => number;
  /** Further examples a step, for resampling; none when left out. */
  readonly reserveCountPerStep?: number;
}

/** JSON. */
export interface MixturePlan {
  /** The first step that is planned here. */
  readonly fromStep: number;
  readonly stepCount: number;
  readonly exampleCountPerStep: number;
  /** Indices into the dataset's examples, step after step. */
  readonly exampleIndices: readonly number[];
  readonly reserveCountPerStep: number;
  /** Likewise, `reserveCountPerStep` a step: what resampling goes on to. */
  readonly reserveIndices: readonly number[];
  /** Training examples of each task: what an epoch is made of. */
  readonly exampleCountByTask: Readonly<Record<string, number>>;
  /** Where each stream stands after the last step. */
  readonly places: Readonly<Record<string, EpochPlace>>;
}

/** Training examples of each task, at most `exampleCountMax` of them, which ones by seed; in the dataset's order. */
function poolByTask({ examples, tasks, seed, mixture }: MixtureRequest): Map<string, readonly number[]> {
  const pools = new Map(tasks.map((task): [string, number[]] => [task, []]));
  examples.forEach(({ task, split }, index) => {
    if (split === 'train') pools.get(task)?.push(index);
  });
  for (const [task, pool] of pools) {
    if (pool.length === 0) {
      throw new MtrlError('DATASET_EMPTY', `no training example of task ${task}`, {
        where: task,
        hint: 'add a dataset with split train for it, or leave it out of the arm',
      });
    }
    const countMax = mixture?.exampleCountMax[task];
    if (countMax === undefined || countMax >= pool.length) continue;
    const chosen = new Rng('mixture-cap', seed, task).shuffle([...pool]).slice(0, countMax);
    pools.set(
      task,
      chosen.sort((a, b) => a - b),
    );
  }
  return pools;
}

/** Draws of one purpose (`mixture`, `mixture-reserve`) from all tasks in their shares. */
class Draws {
  readonly #streams: ReadonlyMap<string, EpochStream>;
  readonly #turns: TaskTurns;

  constructor(purpose: string, request: MixtureRequest, pools: ReadonlyMap<string, readonly number[]>) {
    const { seed, mixture, places = {}, chanceOf } = request;
    const stream = (
      key: string,
      pool: readonly number[],
      path: readonly (string | number)[],
    ): [string, EpochStream] => {
      const place = places[`${purpose}/${key}`];
      return [key, new EpochStream({ pool, path, ...(place && { place }), ...(chanceOf && { chanceOf }) })];
    };
    if ((mixture?.strategy ?? 'union') === 'union') {
      // In dataset order, so that the order in which an arm names its tasks changes nothing.
      const union = [...pools.values()].flat().sort((a, b) => a - b);
      this.#streams = new Map([stream('', union, [purpose, seed])]);
      this.#turns = new TaskTurns(new Map([['', 1]]), 0);
    } else {
      // By name, for the same reason.
      const named = [...pools].sort(([a], [b]) => (a < b ? -1 : 1));
      this.#streams = new Map(named.map(([task, pool]) => stream(task, pool, [purpose, seed, task])));
      const countPerStep = purpose === 'mixture' ? request.exampleCountPerStep : (request.reserveCountPerStep ?? 0);
      const shares = taskShares(
        new Map(named.map(([task, pool]) => [task, pool.length])),
        required(mixture, 'mixture'),
      );
      this.#turns = new TaskTurns(shares, (request.fromStep ?? 0) * countPerStep);
    }
  }

  next(): number {
    const key = this.#turns.next();
    return required(this.#streams.get(key), `the stream of ${key}`).next();
  }

  places(purpose: string): [string, EpochPlace][] {
    return [...this.#streams].map(([key, stream]) => [`${purpose}/${key}`, stream.place]);
  }
}

/** DATASET_EMPTY when a task has no training example. */
export function planMixture(request: MixtureRequest): MixturePlan {
  const { stepCount, exampleCountPerStep, fromStep = 0, reserveCountPerStep = 0 } = request;
  const pools = poolByTask(request);
  assert(pools.size > 0, 'a mixture of no tasks');
  const draws = new Draws('mixture', request, pools);
  const reserve = new Draws('mixture-reserve', request, pools);
  return {
    ...{ fromStep, stepCount, exampleCountPerStep, reserveCountPerStep },
    exampleIndices: Array.from({ length: stepCount * exampleCountPerStep }, () => draws.next()),
    reserveIndices: Array.from({ length: stepCount * reserveCountPerStep }, () => reserve.next()),
    exampleCountByTask: Object.fromEntries([...pools].map(([task, pool]) => [task, pool.length])),
    places: Object.fromEntries([...draws.places('mixture'), ...reserve.places('mixture-reserve')]),
  };
}

/** Place of the step in the plan, 0-based. */
function rowOf({ fromStep, stepCount }: MixturePlan, step: number): number {
  const row = step - fromStep;
  assert(Number.isInteger(row) && row >= 0 && row < stepCount, `step ${step} is not one of ${stepCount}`);
  return row;
}

/** Indices into the dataset's examples for one step, `exampleCountPerStep` of them. */
export function stepExamples(plan: MixturePlan, step: number): readonly number[] {
  const row = rowOf(plan, step);
  return plan.exampleIndices.slice(row * plan.exampleCountPerStep, (row + 1) * plan.exampleCountPerStep);
}

/** What a round of the step's sampling sees: round 0 the step's examples, the others as many of its reserve. */
export function roundExamples(plan: MixturePlan, step: number, round: number): readonly number[] {
  if (round === 0) return stepExamples(plan, step);
  const from = rowOf(plan, step) * plan.reserveCountPerStep + (round - 1) * plan.exampleCountPerStep;
  assert(round * plan.exampleCountPerStep <= plan.reserveCountPerStep, `round ${round} is not planned`);
  return plan.reserveIndices.slice(from, from + plan.exampleCountPerStep);
}
