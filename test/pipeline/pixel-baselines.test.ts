/** The logistic regression on pixels as an activity, on the demo's world and on real votes beside the checkout. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import type { KeptBaselines, PixelBaseline } from '../../contract/pixel-baselines.ts';
import { projectRoot } from '../../core/project.ts';
import { createPixelBaselines } from '../../pipeline/asking/pixel-baselines.ts';
import { createIngest } from '../../pipeline/data/ingest.ts';
import { localFiles } from '../../judge/datasets/sources/local-files.ts';
import { createPrepare } from '../../pipeline/data/prepare.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import { callerWith } from '../support/caller.ts';
import { needSharedData } from '../support/needs.ts';

let folder: string;
let store: ArtifactStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtrl-pixels-'));
  store = new ArtifactStore(new FolderObjectStore(folder));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Of all evaluated tasks of a recipe, which are the same when they are asked for again. */
async function baselinesOf(recipe: unknown): Promise<readonly PixelBaseline[]> {
  const cache = new JsonCache(store);
  const deps = { store, codeVersion: () => 'code', log: pino({ level: 'silent' }) };
  const prepared = await createPrepare(cache, localFiles)({ recipe, needed: 'data' });
  const { dataset } = await createIngest(deps, cache)({ recipe: prepared.recipe }, callerWith());
  const input = { recipe: prepared.recipe, dataset, evaluations: prepared.evaluations };
  const fit = createPixelBaselines(deps, cache);
  const first = await fit(input);
  expect((await fit(input)).baselines).toEqual(first.baselines);
  return ((await store.getJson(first.baselines)) as KeptBaselines).baselines;
}

const labels = ['yes', 'no'];
const shows = { kind: 'pointwise', labels, prompt: 'image <image> {{ mode_word }}' };

describe('a baseline on pixels', () => {
  it('is fitted to tasks with pictures and training rows, pairs in both orders; to no others', async () => {
    const world = (task: string, split: string, exampleCount: number, seed: number) => ({
      ...{ reader: 'judge-world', tasks: [task], split, exampleCount, seed },
    });
    const baselines = await baselinesOf({
      name: 'pixels',
      policy: { checkpoint: '/nowhere' },
      tasks: {
        safety: shows,
        technical: { ...shows, ood: true },
        'pair-safety': {
          ...{ kind: 'pairwise', labels: ['first', 'second'], prompt: '<image> <image> {{ mode_word }}' },
        },
      },
      datasets: [
        world('safety', 'train', 120, 1),
        world('safety', 'test', 40, 2),
        world('technical', 'test', 10, 3),
        world('pair-safety', 'train', 60, 4),
        world('pair-safety', 'test', 20, 5),
      ],
      arms: { base: { objective: 'none', mode: 'think' } },
      evaluation: { bootstrapResampleCount: 100 },
    });
    expect(baselines.map(({ task, exampleCount, fittedCount }) => [task, exampleCount, fittedCount])).toEqual([
      ['safety', 40, 120],
      ['pair-safety', 20, 60],
    ]);
    for (const { accuracy, macroF1, ci95 } of baselines) {
      expect(accuracy).toBeGreaterThan(0);
      expect(ci95[0]).toBeLessThanOrEqual(macroF1);
    }
  });
});

const votes = needSharedData('cue-conflict');

describe.skipIf(votes.isMissing)('on real votes about pictures', () => {
  it('reaches what a logistic regression on grey pixels reaches, from the picture and the statement', async () => {
    const { recipe } = loadRecipeFile(join(projectRoot, 'recipes/cue-conflict.yaml'), []);
    const [found, ...others] = await baselinesOf(recipe);
    // Tasks that are never trained have no rows to fit it to.
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      ...{ task: 'shows', exampleCount: 200, fittedCount: 1484, trainCount: 1484, fields: ['statement'] },
    });
    expect(found?.accuracy).toBeGreaterThan(0.7);
  });
});
