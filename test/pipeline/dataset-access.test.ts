/** A step reads only its own rows of a dataset. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createControlActivities } from '../../activities/control.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { recipeOf } from '../judge/recipes.ts';
import { CountingStore } from '../support/counting-store.ts';
import { silentLogger } from '../support/silent-logger.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-access-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const environment = new MockActivityEnvironment({}, { logger: silentLogger });

function runActivity<I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> {
  return environment.run<[I], R, (input: I) => Promise<R>>(activity, input);
}

/** A worker with empty caches. */
function worker() {
  const objects = new CountingStore(join(root, 'store'));
  const store = new ArtifactStore(objects);
  return {
    objects,
    store,
    ...createControlActivities({ store, codeVersion: () => 'c', log: pino({ level: 'silent' }) }),
  };
}

const idOf = (i: number): string => `row ${String(i).padStart(6, '0')}`;
const promptCount = 8;

/** Measures the reads of rewarding a step of `promptCount` prompts from a dataset of `rowCount` rows. */
async function readByReward(rowCount: number) {
  const file = join(root, `${String(rowCount)}.jsonl`);
  const rows = Array.from({ length: rowCount }, (_, i) => ({
    ...{ id: idOf(i), label: i % 2 === 0 ? 'yes' : 'no', caption: `${String(i)} `.padEnd(200, 'words ') },
  }));
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const { store, ingest } = worker();
  const recipe = await store.putJson(
    recipeOf({
      tasks: { holds: { kind: 'pointwise', labels: ['yes', 'no'], prompt: '{{ caption }} {{ mode_word }}' } },
      datasets: [
        {
          ...{ reader: 'jsonl', task: 'holds', split: 'train', path: file },
          fields: { images: [], prompt: ['caption'] },
        },
      ],
      arms: { rl: { objective: 'rl', mode: 'direct', stepCount: 1, optimizer: { learningRate: 1 } } },
    }),
  );
  const { dataset } = await runActivity(ingest, { recipe });
  const rollout = { tokenIds: [1], logProbs: [0], finishReason: 'stop', text: '<answer> yes </answer>' };
  const prompts = Array.from({ length: promptCount }, (_, i) => {
    const exampleIndex = Math.floor((i * (rowCount - 1)) / (promptCount - 1));
    return { exampleIndex, exampleId: idOf(exampleIndex), task: 'holds', promptTokenCount: 1, rollouts: [rollout] };
  });
  const shard = await store.putJson({ schema: 1, step: 0, shard: { index: 0, count: 1 }, prompts });

  const { objects, reward } = worker();
  const input = { recipe, dataset, arm: 'rl', seed: 0, step: 0, rollouts: [shard] };
  const { accuracyMean } = await runActivity(reward, input);
  expect(accuracyMean).toBeGreaterThan(0);
  const readCount = [...objects.reads.values()].reduce((sum, count) => sum + count, 0);
  return { objectCount: objects.reads.size, readCount, byteLength: objects.byteLength };
}

it('a step reads its own examples: objects and bytes do not grow with the dataset, except for two columns of 6 bytes per row', async () => {
  const [small, large] = [await readByReward(1_000), await readByReward(16_000)];
  // The rows of the larger dataset are spread over more shards: each prompt reads at most one shard more.
  expect(large.objectCount - small.objectCount).toBeLessThanOrEqual(promptCount - 1);
  expect(large.readCount).toBeLessThanOrEqual(small.objectCount + 2 * promptCount);
  expect(large.byteLength - small.byteLength).toBeLessThan(6 * 15_000 + 8_192);
});
