/**
 * Stores a whole run under one key, so that an equal run is found at once and not step by step. Its steps keep their
 * own keys: a run that differs repeats only what differs.
 */
import { missingPart } from '../../artifacts/store/complete.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { FindRunInput, KeepRunInput, KeptRun, RunOutcome } from '../../contract/activities.ts';
import type { ControlDeps } from '../deps.ts';
import { durable, findDurable, type Key } from '../durable.ts';
import type { JsonCache } from '../json-cache.ts';
import { armOf, recipeOf } from '../recipe-access.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import { trainedTasks } from '../../recipes/task-sets.ts';

/** Returns null if no such run is stored or parts of it are missing. */
export function createFindRun(deps: ControlDeps, cache: JsonCache) {
  return async (input: FindRunInput): Promise<KeptRun | null> => {
    const found = await findDurable<RunOutcome>(deps, 'run', keyOf(await recipeOf(cache, input.recipe), input));
    if (found === undefined) return null;
    const { checkpoint, policy, mixture, selection } = found.manifest.summary;
    const last = selection && { last: selection.lastPolicy.snapshot };
    const outputs = { checkpoint, snapshot: policy.snapshot, mixture, ...last };
    const missing = await missingPart(deps.store, { ...found.manifest, outputs });
    return missing === undefined ? { ...found.manifest.summary, manifest: found.ref } : null;
  };
}

export function createKeepRun(deps: ControlDeps, cache: JsonCache) {
  return async ({ outcome, ...input }: KeepRunInput): Promise<{ readonly manifest: ArtifactRef }> => {
    // No outputs: lineage must name the activities of the steps as the makers of the artifacts.
    const kept = () => Promise.resolve({ outputs: {}, summary: outcome, computeMs: 0 });
    const { manifest } = await durable(deps, 'run', keyOf(await recipeOf(cache, input.recipe), input), kept);
    return { manifest };
  };
}

/**
 * The arm's settings, and of the recipe everything but what cannot reach the run: other arms, other seeds, names, the
 * workers that do it, and what happens to its result. One more arm or seed therefore finds the runs that are there.
 */
function keyOf(recipe: Recipe, { dataset, arm: name, seed, initial }: FindRunInput): Key {
  const {
    arms: _arms,
    seeds: _seeds,
    parallelRunCountMax: _slots,
    pools: _pools,
    promotion: _promotion,
    ...rest
  } = recipe;
  const { name: _name, summary: _summary, ...settings } = rest;
  const whole = armOf(recipe, name);
  const { specialistOf: _shownAs, varied: _varied, ...own } = whole;
  // A run that ended at a ceiling is not stored whole, and any other is the same without one.
  const arm = Object.fromEntries(Object.entries(own).filter(([field]) => field !== 'ceilings'));
  // The order of the tasks is that of their examples in the mixture.
  const order = trainedTasks(recipe, whole);
  return { inputs: { dataset, snapshot: initial.snapshot, log: initial.log }, config: { settings, arm, order, seed } };
}
