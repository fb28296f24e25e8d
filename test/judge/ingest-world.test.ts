import sharp from 'sharp';
import { expect, test } from 'vitest';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import type { IngestProgress } from '../../judge/datasets/joining/join.ts';
import { generateWorldExamples } from '../../judge/worlds/generate.ts';
import { worldTaskNames } from '../../judge/worlds/world-tasks.ts';
import type { JudgeWorldSpec, TaskSpec } from '../../recipes/recipe.ts';
import { recipeOf, worldTasks } from './recipes.ts';

const world: JudgeWorldSpec = {
  reader: 'judge-world',
  tasks: [...worldTaskNames],
  split: 'train',
  exampleCount: 6,
  seed: 3,
  annotator: { hardErrorRate: 0.5, easyErrorRate: 0.1, flipRate: 0.1 },
};

test('ingests every example of the world with PNGs that decode to the drawn pixels', async () => {
  const stored = new Map<string, Uint8Array>();
  const recipe = recipeOf({ tasks: worldTasks, datasets: [world, { ...world, split: 'test' }] });
  const progress: IngestProgress[] = [];
  const { examples, quarantined, leaks } = await ingestDatasets(
    recipe,
    { image: (digest, bytes) => void stored.set(digest, bytes) },
    (now) => void progress.push(now),
  );
  expect(quarantined).toEqual([]);
  expect(leaks).toEqual([]);
  expect(examples).toHaveLength(2 * 6 * worldTaskNames.length);
  expect(progress.at(-1)).toEqual({
    datasetIndex: 1,
    datasetCount: 2,
    exampleCount: examples.length,
    quarantinedCount: 0,
  });

  const drawn = [...generateWorldExamples(world)];
  for (const [i, { example, pixels }] of drawn.entries()) {
    const { images, ...rest } = examples[i] ?? { images: [] };
    expect(rest).toEqual(example);
    const decoded = await Promise.all(images.map((digest) => sharp(stored.get(digest)).raw().toBuffer()));
    expect(decoded.map((bytes) => bytes.toString('hex'))).toEqual(
      pixels.map((bytes) => Buffer.from(bytes).toString('hex')),
    );
  }
});

type Declared = Pick<TaskSpec, 'kind' | 'labels'>;

test.each<[string, Declared, string]>([
  ['another kind', { kind: 'pointwise', labels: ['first', 'second'] }, 'tasks.pair-safety.kind'],
  ['labels the other way round', { kind: 'pairwise', labels: ['second', 'first'] }, 'tasks.pair-safety.labels'],
])(
  'refuses a recipe that declares a pair of the world with %s: its labels would name the wrong picture',
  async (_, declared, where) => {
    const tasks = { ...worldTasks, 'pair-safety': { prompt: '<image><image>', ...declared } };
    const recipe = recipeOf({ tasks, datasets: [{ ...world, tasks: ['pair-safety'] }] });
    await expect(ingestDatasets(recipe, { image: () => undefined })).rejects.toMatchObject({
      code: 'RECIPE_INVALID',
      details: { where },
    });
  },
);
