/** The steps that need all rows: splits by seed, and detection and resolution of leaks. */
import { canonicalJson } from '../../../core/json.ts';
import type { MadeSplit } from '../../../recipes/fields/dataset-options.ts';
import type { Recipe } from '../../../recipes/recipe.ts';
import { findLeaks, type LeakingRows, resolveLeaks } from './leaks.ts';
import type { RowFacts } from '../rows/row-facts.ts';
import { SplitColumn } from '../rows/split-column.ts';
import { makeSplits } from './splits.ts';

export interface Settled {
  readonly splits: SplitColumn;
  /** Leaks as found, before anything was dropped or moved. */
  readonly leaks: readonly LeakingRows[];
}

export function settleRows(recipe: Pick<Recipe, 'datasets' | 'tasks' | 'leaks'>, facts: RowFacts): Settled {
  const splits = new SplitColumn(facts);
  for (const { shares, datasetIndices } of madeSplits(recipe))
    makeSplits(facts, rowsOf(facts, datasetIndices), shares, splits);
  const oodTasks = new Set(Object.keys(recipe.tasks).filter((task) => recipe.tasks[task]?.ood === true));
  const leaks = findLeaks(facts, splits, { spec: recipe.leaks, oodTasks });
  resolveLeaks(facts, splits, leaks, recipe.leaks.action);
  return { splits, leaks };
}

/**
 * Groups of datasets with the same shares and seed, which are split together, so that what they share stays on one
 * side.
 */
function madeSplits({ datasets }: Pick<Recipe, 'datasets'>) {
  const groups = new Map<string, { readonly shares: MadeSplit; readonly datasetIndices: Set<number> }>();
  datasets.forEach(({ split: shares }, datasetIndex) => {
    if (typeof shares !== 'object') return;
    const key = canonicalJson({ ...shares });
    const group = groups.get(key) ?? { shares, datasetIndices: new Set() };
    groups.set(key, group);
    group.datasetIndices.add(datasetIndex);
  });
  return groups.values();
}

function rowsOf(facts: RowFacts, datasetIndices: ReadonlySet<number>): Uint32Array {
  const rows = new Uint32Array(facts.rowCount);
  let count = 0;
  for (let row = 0; row < facts.rowCount; row++)
    if (datasetIndices.has(facts.kindOf(row).datasetIndex)) rows[count++] = row;
  return rows.slice(0, count);
}
