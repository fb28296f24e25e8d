/**
 * The mixture: which training examples each step sees. The examples of step k are a function of the dataset, the seed,
 * k and, with a curriculum, the rewards recorded before its segment, so a resume neither skips nor repeats any.
 * Default: the plain union of the tasks' examples, reshuffled each epoch (arXiv 2603.11665).
 */
import { assert, required } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';
import type { MixtureSpec } from '../../recipes/fields/mixture-fields.ts';
import { BalancedStream } from './balanced-stream.ts';
import { EpochStream, type EpochPlace } from './epoch-stream.ts';
import { TaskTurns, taskShares } from './task-shares.ts';

export interface MixtureRequest {
  /** Training rows by task, as ascending row numbers of examples in the dataset. */
  readonly pools: ReadonlyMap<string, Uint32Array>;
  readonly seed: number;
  readonly exampleCountPerStep: number;
  /** The plain union if omitted. */
  readonly mixture?: MixtureSpec;
  /** First step of this segment; 0 if omitted. */
  readonly fromStep?: number;
  /** Stream positions at the end of the previous segment, if any. */
  readonly places?: MixturePlaces;
  /** Probability in (0, 1] that an example is taken on its turn; 1 if omitted. */
  readonly chanceOf?: (exampleIndex: number) => number;
  /** The class of a row's label: within each task, each class is drawn equally often. As in the data if omitted. */
  readonly classOf?: (exampleIndex: number) => string;
  /** Additional examples per step for dynamic sampling; 0 if omitted. */
  readonly reserveCountPerStep?: number;
}

/** Position of each stream. JSON. */
export type MixturePlaces = Readonly<Record<string, EpochPlace>>;

/** The examples of one step, as row numbers in the dataset. */
export interface PlannedStep {
  /** `exampleCountPerStep` rows. */
  readonly rows: Uint32Array;
  /** `reserveCountPerStep` rows, for dynamic sampling. */
  readonly reserve: Uint32Array;
}

/** The rows of each task, ascending; at most `exampleCountMax`, a subset chosen by seed. */
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

const union: MixtureSpec = { strategy: 'union', temperature: 2, weights: {}, exampleCountMax: {} };

/** Draws for one purpose (`mixture`, `mixture-reserve`) from all tasks, in proportion to their shares. */
class Draws {
  readonly #streams: ReadonlyMap<string, EpochStream | BalancedStream>;
  readonly #turns: TaskTurns;

  constructor(purpose: string, request: MixtureRequest, pools: ReadonlyMap<string, Uint32Array>) {
    const { seed, mixture = union, places = {}, chanceOf, classOf } = request;
    const common = chanceOf && { chanceOf };
    const epochs = (key: string, pool: Uint32Array, path: readonly (string | number)[]): [string, EpochStream] => {
      const place = places[`${purpose}/${key}`];
      return [key, new EpochStream({ pool, path, ...(place && { place }), ...common })];
    };
    if (mixture.strategy === 'union' && classOf === undefined) {
      // In dataset order, so that results do not depend on the order in which an arm names its tasks.
      this.#streams = new Map([epochs('', joined([...pools.values()]), [purpose, seed])]);
      this.#turns = new TaskTurns(new Map([['', 1]]), 0);
      return;
    }
    // Sorted by name, for the same reason.
    const named = [...pools].sort(([a], [b]) => (a < b ? -1 : 1));
    const countPerStep = purpose === 'mixture' ? request.exampleCountPerStep : (request.reserveCountPerStep ?? 0);
    const shares = taskShares(new Map(named.map(([task, pool]) => [task, pool.length])), mixture);
    const turns = new TaskTurns(shares, (request.fromStep ?? 0) * countPerStep);
    const streamOf = ([task, pool]: [string, Uint32Array]): [string, EpochStream | BalancedStream] => {
      const path = [purpose, seed, task];
      if (classOf === undefined) return epochs(task, pool, path);
      const placeOf = (part: string): EpochPlace | undefined => places[`${purpose}/${task}${part}`];
      return [
        task,
        new BalancedStream({ pool, path, classOf, drawCountBefore: turns.countOf(task), placeOf, ...common }),
      ];
    };
    this.#streams = new Map(named.map(streamOf));
    this.#turns = turns;
  }

  #next(): number {
    const key = this.#turns.next();
    return required(this.#streams.get(key), `the stream of ${key}`).next();
  }

  take(count: number): Uint32Array {
    return Uint32Array.from({ length: count }, () => this.#next());
  }

  places(purpose: string): [string, EpochPlace][] {
    return [...this.#streams].flatMap(([key, { places }]) =>
      places.map(([part, place]): [string, EpochPlace] => [`${purpose}/${key}${part}`, place]),
    );
  }
}

/** Generates the steps of a run in order. */
export class Mixture {
  /** Number of training examples by task in one epoch. */
  readonly exampleCountByTask: Readonly<Record<string, number>>;
  readonly #request: MixtureRequest;
  readonly #draws: Draws;
  readonly #reserve: Draws;

  /** DATASET_EMPTY if a task has no training example. */
  constructor(request: MixtureRequest) {
    const pools = cappedPools(request);
    assert(pools.size > 0, 'a mixture of no tasks');
    this.#request = request;
    this.#draws = new Draws('mixture', request, pools);
    this.#reserve = new Draws('mixture-reserve', request, pools);
    this.exampleCountByTask = Object.fromEntries([...pools].map(([task, pool]) => [task, pool.length]));
  }

  /** The next step; the first call returns `fromStep`. */
  next(): PlannedStep {
    const { exampleCountPerStep, reserveCountPerStep = 0 } = this.#request;
    return { rows: this.#draws.take(exampleCountPerStep), reserve: this.#reserve.take(reserveCountPerStep) };
  }

  /** Stream positions after the last planned step, from which the next segment continues. */
  get places(): MixturePlaces {
    return Object.fromEntries([...this.#draws.places('mixture'), ...this.#reserve.places('mixture-reserve')]);
  }
}

/**
 * Rows of one sampling round of a step: the step's rows in round 0, then as many of its reserve in each further round.
 */
export function roundRows({ rows, reserve }: PlannedStep, round: number): Uint32Array {
  if (round === 0) return rows;
  assert(round * rows.length <= reserve.length, `round ${round} is not planned`);
  return reserve.slice((round - 1) * rows.length, round * rows.length);
}

/** The rows of all pools, ascending. */
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
