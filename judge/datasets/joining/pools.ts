/** Pools of rows to draw from: the pool of each row, and the number of examples in each pool. */
import { assert } from '../../../core/assert.ts';
import type { Split } from '../../example.ts';
import type { RowFacts } from '../rows/row-facts.ts';
import type { SplitColumn } from '../rows/split-column.ts';

/** The examples of one task in one split. JSON. */
export interface DatasetPool {
  readonly task: string;
  readonly split: Split;
  readonly exampleCount: number;
  readonly exampleCountByLabel: Readonly<Record<string, number>>;
}

/** Pool of the rows that were dropped because of a leak. */
export const poolOfDropped = 0xffff;

export interface Pools {
  readonly pools: readonly DatasetPool[];
  /** Per row: index into `pools`, or `poolOfDropped`. */
  readonly poolOfRow: Uint16Array;
}

/** Pools in the order of their first examples. */
export function poolsOf(facts: RowFacts, splits: SplitColumn): Pools {
  const pools = new Map<string, PoolCounts & { readonly index: number }>();
  const poolOfRow = new Uint16Array(facts.rowCount).fill(poolOfDropped);
  for (let row = 0; row < facts.rowCount; row++) {
    const split = splits.at(row);
    if (split === undefined) continue;
    const { task, label } = facts.kindOf(row);
    const key = `${split} ${task}`;
    const pool = pools.get(key) ?? {
      ...{ index: pools.size, task, split, exampleCount: 0 },
      labels: new Map<string, number>(),
    };
    pools.set(key, pool);
    pool.exampleCount++;
    pool.labels.set(label, (pool.labels.get(label) ?? 0) + 1);
    poolOfRow[row] = pool.index;
  }
  assert(pools.size < poolOfDropped, `${pools.size} pools`);
  const named = [...pools.values()].map(({ task, split, exampleCount, labels }) => ({
    ...{ task, split, exampleCount },
    exampleCountByLabel: Object.fromEntries(labels),
  }));
  return { pools: named, poolOfRow };
}

interface PoolCounts {
  readonly task: string;
  readonly split: Split;
  exampleCount: number;
  readonly labels: Map<string, number>;
}
