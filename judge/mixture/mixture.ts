/**
 * The mixture: which training examples each step sees. What step k sees is a function of the examples, the seed, k and,
 * under a curriculum, of the rewards that were recorded before its segment; a resume cannot skip or repeat anything.
 * Default: the plain union of the tasks' examples, reshuffled each epoch (arXiv 2603.11665).
 */
import { assert, required } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';
import type { MixtureSpec } from '../../recipes/fields/mixture-fields.ts';
import { EpochStream, type EpochPlace } from './epoch-stream.ts';
import { TaskTurns, taskShares } from './task-shares.ts';

export interface MixtureRequest {
  /** Training rows of each task to train on, ascending: rows of the dataset's examples. */
  readonly pools: ReadonlyMap<string, Uint32Array>;
  readonly seed: number;
  readonly exampleCountPerStep: number;
  /** The plain union when left out. */
  readonly mixture?: MixtureSpec;
  /** Steps before this one are another segment's; 0 when left out. */
  readonly fromStep?: number;
  /** The previous segment, if any: its streams continue. */
  readonly places?: MixturePlaces;
  /** Chance in (0, 1] that an example is taken when its turn comes; 1 for every one when left out. */
  readonly chanceOf?: (exampleIndex: number) => number;
  /** Further examples a step, for resampling; none when left out. */
  readonly reserveCountPerStep?: number;
}

/** Where each stream stands. JSON. */
export type MixturePlaces = Readonly<Record<string, EpochPlace>>;

/** What one step sees: rows of the dataset's examples. */
export interface PlannedStep {
  /** `exampleCountPerStep` of them. */
  readonly rows: Uint32Array;
  /** `reserveCountPerStep` of them: for dynamic sampling. */
  readonly reserve: Uint32Array;
}

/** The rows of each task, at most `exampleCountMax` of them, which ones by seed; ascending. */
function cappedPools({ pools, seed, mixture }: MixtureRequest): Map<string, Uint32Array> {
  const capped = [...pools].map(([task, pool]): [string, Uint32Array] => {
    if (pool.length === 0) {
      throw new MtrlError('DATASET_EMPTY', `no training example of task ${task}`, {
        where: task,
        hint: 'add a dataset with split train for it, or leave it out of the arm',
      });
    }
    const countMax = mixture?.exampleCountMax[task];
    if (countMax === undefined || countMax >= pool.length) return [task, pool];
    return [task, new Rng('mixture-cap', seed, task).shuffle(pool.slice()).slice(0, countMax).sort()];
  });
  return new Map(capped);
}

/** Draws of one purpose (`mixture`, `mixture-reserve`) from all tasks in their shares. */
class Draws {
  readonly #streams: ReadonlyMap<string, EpochStream>;
  readonly #turns: TaskTurns;

  constructor(purpose: string, request: MixtureRequest, pools: ReadonlyMap<string, Uint32Array>) {
    const { seed, mixture, places = {}, chanceOf } = request;
    const stream = (key: string, pool: Uint32Array, path: readonly (string | number)[]): [string, EpochStream] => {
      const place = places[`${purpose}/${key}`];
      return [key, new EpochStream({ pool, path, ...(place && { place }), ...(chanceOf && { chanceOf }) })];
    };
    if ((mixture?.strategy ?? 'union') === 'union') {
      // In dataset order, so that the order in which an arm names its tasks changes nothing.
      const union = joined([...pools.values()]);
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

  #next(): number {
    const key = this.#turns.next();
    return required(this.#streams.get(key), `the stream of ${key}`).next();
  }

  take(count: number): Uint32Array {
    return Uint32Array.from({ length: count }, () => this.#next());
  }

  places(purpose: string): [string, EpochPlace][] {
    return [...this.#streams].map(([key, stream]) => [`${purpose}/${key}`, stream.place]);
  }
}

/** The steps of a run, one after the other. */
export class Mixture {
  /** Training examples of each task: what an epoch is made of. */
  readonly exampleCountByTask: Readonly<Record<string, number>>;
  readonly #request: MixtureRequest;
  readonly #draws: Draws;
  readonly #reserve: Draws;

  /** DATASET_EMPTY when a task has no training example. */
  constructor(request: MixtureRequest) {
    const pools = cappedPools(request);
    assert(pools.size > 0, 'a mixture of no tasks');
    this.#request = request;
    this.#draws = new Draws('mixture', request, pools);
    this.#reserve = new Draws('mixture-reserve', request, pools);
    this.exampleCountByTask = Object.fromEntries([...pools].map(([task, pool]) => [task, pool.length]));
  }

  /** The first is `fromStep`. */
  next(): PlannedStep {
    const { exampleCountPerStep, reserveCountPerStep = 0 } = this.#request;
    return { rows: this.#draws.take(exampleCountPerStep), reserve: this.#reserve.take(reserveCountPerStep) };
  }

  /** Stream positions after the last planned step, from which the next segment continues. */
  get places(): MixturePlaces {
    return Object.fromEntries([...this.#draws.places('mixture'), ...this.#reserve.places('mixture-reserve')]);
  }
}

/** What a round of the step's sampling sees: round 0 the step's rows, the others as many of its reserve. */
export function roundRows({ rows, reserve }: PlannedStep, round: number): Uint32Array {
  if (round === 0) return rows;
  assert(round * rows.length <= reserve.length, `round ${round} is not planned`);
  return reserve.slice((round - 1) * rows.length, round * rows.length);
}

/** Ascending. */
function joined(pools: readonly Uint32Array[]): Uint32Array {
  if (pools.length === 1 && pools[0] !== undefined) return pools[0];
  const all = new Uint32Array(pools.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const pool of pools) {
    all.set(pool, at);
    at += pool.length;
  }
  return all.sort();
}
