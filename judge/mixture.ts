/**
 * The mixture: the plain union of the training examples of the chosen tasks (arXiv 2603.11665), shuffled anew each
 * epoch. What step k sees is a function of the examples, the seed and k alone; a resume cannot skip or repeat anything.
 */
import { assert } from '../core/assert.ts';
import { MtrlError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import type { Example } from './example.ts';

export interface MixtureRequest {
  /** The whole dataset, in its stored order. */
  readonly examples: readonly Pick<Example, 'task' | 'split'>[];
  /** Tasks to train on. */
  readonly tasks: readonly string[];
  readonly seed: number;
  readonly stepCount: number;
  readonly exampleCountPerStep: number;
  /**
   * union (default): one shuffled pool, so a task has the share that its examples have. tasks: the tasks in turn, each
   * with its own epochs, so every task has the same share.
   */
  readonly balance?: 'union' | 'tasks';
}

/** JSON. */
export interface MixturePlan {
  readonly stepCount: number;
  readonly exampleCountPerStep: number;
  /** Indices into the dataset's examples, step after step. */
  readonly exampleIndices: readonly number[];
  /** Training examples of each task: what an epoch is made of. */
  readonly exampleCountByTask: Readonly<Record<string, number>>;
}

/** The n-th draw of a pool that is shuffled anew whenever it has been gone through. */
class EpochStream {
  readonly #pool: readonly number[];
  readonly #path: readonly (string | number)[];
  #epoch = -1;
  #position: number;
  #order: readonly number[] = [];

  constructor(pool: readonly number[], ...path: readonly (string | number)[]) {
    this.#pool = pool;
    this.#path = path;
    this.#position = pool.length;
  }

  next(): number {
    if (this.#position === this.#pool.length) {
      this.#epoch++;
      this.#position = 0;
      this.#order = new Rng(...this.#path, this.#epoch).shuffle([...this.#pool]);
    }
    const index = this.#order[this.#position++];
    assert(index !== undefined, 'an epoch of nothing');
    return index;
  }
}

function poolByTask({ examples, tasks }: MixtureRequest): Map<string, number[]> {
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
  }
  return pools;
}

/** DATASET_EMPTY when a task has no training example. */
export function planMixture(request: MixtureRequest): MixturePlan {
  const { seed, stepCount, exampleCountPerStep, balance = 'union' } = request;
  const pools = poolByTask(request);
  // in dataset order, so that the order in which an arm names its tasks changes nothing
  const union = [...pools.values()].flat().sort((a, b) => a - b);
  const streams =
    balance === 'union'
      ? [new EpochStream(union, 'mixture', seed)]
      : [...pools].map(([task, pool]) => new EpochStream(pool, 'mixture', seed, task));
  assert(streams.length > 0, 'a mixture of no tasks');
  const exampleIndices = Array.from({ length: stepCount * exampleCountPerStep }, (_, i) => {
    const stream = streams[i % streams.length];
    assert(stream !== undefined, 'one stream for every draw');
    return stream.next();
  });
  const exampleCountByTask = Object.fromEntries([...pools].map(([task, pool]) => [task, pool.length]));
  return { stepCount, exampleCountPerStep, exampleIndices, exampleCountByTask };
}

/** Indices into the dataset's examples for one step, `exampleCountPerStep` of them. */
export function stepExamples(plan: MixturePlan, step: number): readonly number[] {
  assert(Number.isInteger(step) && step >= 0 && step < plan.stepCount, `step ${step} is not one of ${plan.stepCount}`);
  return plan.exampleIndices.slice(step * plan.exampleCountPerStep, (step + 1) * plan.exampleCountPerStep);
}
