import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { loggedSteps, promptsOfStep } from '../../cli/show/rollout-log.ts';
import { storeTrainingExamples } from '../support/stored-dataset.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtrl-rollouts-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const store = new ArtifactStore(new FolderObjectStore(folder));

const rollout = (text: string) => ({ tokenIds: [1, 2], logProbs: [0, 0], finishReason: 'stop', text });

async function recordOf(step: number): Promise<ArtifactRef> {
  const place = { exampleIndex: 0, exampleId: 'e0', task: 'safety' };
  const dataset = await storeTrainingExamples(store, 'safety', [
    { id: 'e0', task: 'safety', split: 'train', images: ['ab'], fields: {}, label: 'yes', groupKey: 'g' },
  ]);
  const rewards = await store.putJson({
    ...{ schema: 1, step },
    prompts: [
      {
        ...place,
        label: 'yes',
        rollouts: [
          { judgment: { ok: true, verdict: 'no', rationale: '' }, reward: { value: 0.1, accuracy: 0, format: 1 } },
        ],
      },
    ],
  });
  const shard = await store.putJson({
    schema: 1,
    step,
    shard: { index: 0, count: 1 },
    prompts: [{ ...place, rollouts: [rollout(`said at ${String(step)}`)] }],
  });
  const tasks = {
    safety: {
      kind: 'pointwise',
      labels: ['yes', 'no'],
      prompt: 'image <image> is it safe ? {{ mode_word }}',
      ood: false,
    },
  };
  const update = {
    ...{ objective: 'grpo', step, mode: 'think', rewards, rollouts: [shard] },
    dataset,
    prompting: { tasks, modeWords: { think: 'think', direct: 'directly' } },
  };
  return store.putJson({ schema: 1, update });
}

test('finds every logged step, over all snapshots and the log after the last one, in order', async () => {
  const checkpoint = await store.putJson({});
  const snapshot = (step: number, records: ArtifactRef[], previous: ArtifactRef | null) =>
    store.putJson({ schema: 1, step, checkpoint, optimizer: null, records, previous });
  const first = await snapshot(0, [], null);
  const second = await snapshot(2, [await recordOf(0), await recordOf(1)], first);
  const run = { runName: 'mt-rl/s0', arm: 'mt-rl', checkpoint, policy: { snapshot: second, log: [await recordOf(2)] } };
  const steps = await loggedSteps(store, run);
  expect(steps.map(({ step }) => step)).toEqual([0, 1, 2]);

  const [, , last] = steps;
  const prompts = last ? await promptsOfStep(store, run.runName, last) : [];
  expect(prompts).toMatchObject([
    {
      ...{ step: 2, task: 'safety', label: 'yes', prompt: 'image <image> is it safe ? think', images: ['ab'] },
      rollouts: [{ text: 'said at 2', tokenCount: 2, reward: { value: 0.1 }, judgment: { verdict: 'no' } }],
    },
  ]);
});
