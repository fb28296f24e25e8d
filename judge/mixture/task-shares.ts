/** The share of the draws of each task, and the order in which tasks draw. */
import { assert, required } from '../../core/assert.ts';
import type { MixtureSpec } from '../../recipes/fields/mixture-fields.ts';

/** Shares that sum to 1, in the order of `exampleCounts`. */
export function taskShares(
  exampleCounts: ReadonlyMap<string, number>,
  { strategy, temperature, weights }: Pick<MixtureSpec, 'strategy' | 'temperature' | 'weights'>,
): Map<string, number> {
  const weightOf = (task: string, count: number): number => {
    if (strategy === 'weights') return required(weights[task], `weight of ${task}`);
    if (strategy === 'union') return count;
    return strategy === 'temperature' ? count ** (1 / temperature) : 1;
  };
  const weighted = [...exampleCounts].map(([task, count]) => [task, weightOf(task, count)] as const);
  const total = weighted.reduce((sum, [, weight]) => sum + weight, 0);
  return new Map(weighted.map(([task, weight]) => [task, weight / total]));
}

/** Gives each draw to the task that is furthest behind its share, so that counts stay close to the shares. */
export class TaskTurns {
  readonly #shares: readonly (readonly [string, number])[];
  readonly #counts = new Map<string, number>();
  #drawCount = 0;

  constructor(shares: ReadonlyMap<string, number>, drawCountBefore: number) {
    assert(shares.size > 0, 'turns of no task');
    this.#shares = [...shares];
    while (this.#drawCount < drawCountBefore) this.next();
  }

  /** Draws that the task has had. */
  countOf(task: string): number {
    return this.#counts.get(task) ?? 0;
  }

  next(): string {
    this.#drawCount++;
    const lag = ([task, share]: readonly [string, number]): number => share * this.#drawCount - this.countOf(task);
    const [task] = this.#shares.reduce((best, one) => (lag(one) > lag(best) ? one : best));
    this.#counts.set(task, this.countOf(task) + 1);
    return task;
  }
}
