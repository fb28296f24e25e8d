/** A value that was put is the value that any other process reads, whichever worker is restarted in between. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { createPrepare } from '../../pipeline/data/prepare.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import { recipeOf } from '../../pipeline/recipe-access.ts';
import { evaluatedTasks } from '../../recipes/task-sets.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';

let root: string;
const newProcess = (): JsonCache => new JsonCache(new ArtifactStore(new FolderObjectStore(root)));
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-json-cache-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

it('a value that was put reads the same in its own process as in another', async () => {
  const cache = newProcess();
  const ref = await cache.put({ b: 1, a: { d: undefined, c: -0 } });
  const here = await cache.get(ref);
  expect(JSON.stringify(here)).toBe(JSON.stringify(await newProcess().get(ref)));
  expect(here).toStrictEqual(await newProcess().get(ref));
});

it('tasks and arms keep the order of the recipe for a worker that was restarted', async () => {
  const { tasks, arms, ...rest } = tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 });
  const names = Object.keys(tasks);
  expect(names).not.toEqual([...names].sort());
  const cache = newProcess();
  const files = { size: () => Promise.resolve(undefined) } as never;
  const { recipe } = await createPrepare(cache, files)({ recipe: { ...rest, tasks, arms } });
  for (const one of [cache, newProcess()]) {
    const read = await recipeOf(one, recipe);
    expect(evaluatedTasks(read)).toEqual(names);
    expect(Object.keys(read.arms)).toEqual(Object.keys(arms));
  }
  // Another order is another recipe.
  const turned = { ...rest, arms, tasks: Object.fromEntries(Object.entries(tasks).reverse()) };
  expect((await createPrepare(cache, files)({ recipe: turned })).recipe.sha256).not.toBe(recipe.sha256);
});
