/** What can only be said when all examples are there: splits made by seed, and leaks found and dealt with. */
import { required } from '../../core/assert.ts';
import { canonicalJson } from '../../core/json.ts';
import type { MadeSplit } from '../../recipes/dataset-options.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { Example } from '../example.ts';
import { findLeaks, resolveLeaks, type Leak } from './leaks.ts';
import type { PerceptualHash } from './perceptual-hash.ts';
import { makeSplits } from './splits.ts';

export interface Unsettled {
  readonly examples: readonly Example[];
  /** Index into the recipe's datasets, one an example. */
  readonly datasetIndices: readonly number[];
  /** By image; filled when the recipe asks for near duplicates. */
  readonly hashes: ReadonlyMap<string, PerceptualHash>;
}

export interface Settled {
  readonly examples: readonly Example[];
  /** As they were found, before anything was dropped or moved. */
  readonly leaks: readonly Leak[];
  /** Indices into the examples as they came. */
  readonly dropped: readonly number[];
}

export function settleExamples(recipe: Recipe, { examples, datasetIndices, hashes }: Unsettled): Settled {
  const split = withMadeSplits(recipe, examples, datasetIndices);
  const oodTasks = new Set(Object.keys(recipe.tasks).filter((task) => recipe.tasks[task]?.ood === true));
  const leaks = findLeaks(split, { spec: recipe.leaks, oodTasks, hashes });
  return { leaks, ...resolveLeaks(split, leaks, recipe.leaks.action) };
}

/** Datasets with the same shares and seed are split together, so that what they share stays on one side. */
function withMadeSplits(recipe: Recipe, examples: readonly Example[], datasetIndices: readonly number[]): Example[] {
  const made = [...examples];
  const groups = new Map<string, { readonly shares: MadeSplit; readonly indices: number[] }>();
  datasetIndices.forEach((datasetIndex, index) => {
    const shares = recipe.datasets[datasetIndex]?.split;
    if (typeof shares !== 'object') return;
    const key = canonicalJson({ ...shares });
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { shares, indices: [index] });
    else group.indices.push(index);
  });
  for (const { shares, indices } of groups.values()) {
    const members = indices.map((index) => required(made[index], 'an example'));
    makeSplits(members, shares).forEach((example, i) => {
      made[required(indices[i], 'its index')] = example;
    });
  }
  return made;
}
