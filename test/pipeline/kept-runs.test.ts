import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { asJson } from '../../artifacts/codecs/json-value.ts';
import type { FindRunInput, RunOutcome } from '../../contract/activities.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import { createFindRun, createKeepRun } from '../../pipeline/training/kept-runs.ts';
import { parseRecipe } from '../../recipes/load.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';

let root: string;
let store: ArtifactStore;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'mtrl-kept-runs-'));
  store = new ArtifactStore(new FolderObjectStore(path.join(root, 'store')));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const deps = (version = 'code') => ({ store, codeVersion: () => version, log: pino({ level: 'silent' }) });
const find = (input: FindRunInput, version?: string) => createFindRun(deps(version), new JsonCache(store))(input);
const keep = (input: FindRunInput, outcome: RunOutcome) =>
  createKeepRun(deps(), new JsonCache(store))({ ...input, outcome });

/** The tiny recipe with changes of its fields, in full, stored. */
function recipeWith(changes: (recipe: ReturnType<typeof tinyRecipe>) => object = () => ({})) {
  const tiny = tinyRecipe({ sftStepCount: 4, grpoStepCount: 4 });
  return store.putJson(asJson(parseRecipe({ ...tiny, ...changes(tiny) })));
}

async function made(): Promise<{ input: FindRunInput; outcome: RunOutcome }> {
  const names = ['dataset', 'initial', 'checkpoint', 'snapshot', 'mixture'] as const;
  const [dataset, initial, checkpoint, snapshot, mixture] = await Promise.all(
    names.map((name) => store.putJson({ name })),
  );
  if (!dataset || !initial || !checkpoint || !snapshot || !mixture) throw new Error('five were put');
  return {
    input: { recipe: await recipeWith(), dataset, arm: 'mt-rl', seed: 0, initial: { snapshot: initial, log: [] } },
    outcome: { checkpoint, policy: { snapshot, log: [] }, mixture, rewardLine: '▁█' },
  };
}

it('a run is found only by all of its inputs', async () => {
  const { input, outcome } = await made();
  expect(await find(input)).toBeNull();
  const { manifest } = await keep(input, outcome);
  expect(await find(input)).toEqual({ ...outcome, manifest });
  expect(await find({ ...input, seed: 1 })).toBeNull();
  expect(await find({ ...input, arm: 'sft-start' })).toBeNull();
  expect(await find({ ...input, dataset: input.recipe })).toBeNull();
  expect(await find({ ...input, initial: { ...input.initial, log: [input.recipe] } })).toBeNull();
  expect(await find(input, 'other code')).toBeNull();
  const withArm = (change: object) =>
    recipeWith(({ arms }) => ({ arms: { ...arms, 'mt-rl': { ...arms['mt-rl'], ...change } } }));
  expect(await find({ ...input, recipe: await withArm({ stepCount: 5 }) })).toBeNull();
  const words = { think: 'reason', direct: 'directly' };
  expect(await find({ ...input, recipe: await recipeWith(() => ({ modeWords: words })) })).toBeNull();
});

it('a run is found in a recipe with one more arm, a sweep, one more seed, another name, other pools or ceilings', async () => {
  const { input, outcome } = await made();
  await keep(input, outcome);
  const recipes = await Promise.all([
    recipeWith(({ arms }) => ({ arms: { ...arms, slow: { like: 'mt-rl', stepCount: 9 } } })),
    recipeWith(({ arms }) => ({ arms: { ...arms, 'mt-rl': { ...arms['mt-rl'], ceilings: { wallMsMax: 1 } } } })),
    recipeWith(() => ({ sweeps: { sizes: { arm: 'mt-rl', vary: { groupSize: [2, 4] } } } })),
    recipeWith(() => ({ seeds: [0, 1, 2], name: 'other', parallelRunCountMax: 2, pools: { rollouts: 'a' } })),
  ]);
  for (const recipe of recipes) expect(await find({ ...input, recipe })).toMatchObject(outcome);
});

it('an arm with the settings of another one finds its run', async () => {
  const { input, outcome } = await made();
  await keep(input, outcome);
  const recipe = await recipeWith(({ arms }) => ({ arms: { ...arms, same: { like: 'mt-rl' } } }));
  expect(await find({ ...input, recipe, arm: 'same' })).toMatchObject(outcome);
});

it('a run whose snapshot is missing is not found, and can be stored again', async () => {
  const { input, outcome } = await made();
  await keep(input, outcome);
  await rm(new URL(outcome.policy.snapshot.uri));
  expect(await find(input)).toBeNull();
  await store.putJson({ name: 'snapshot' });
  await keep(input, outcome);
  expect(await find(input)).toMatchObject(outcome);
});
