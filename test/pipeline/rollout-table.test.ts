/** The table of a run's rollouts holds what its log holds, and a filter over a long run reads the table, not the log. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import type { RlUpdate } from '../../pipeline/policies/step-record.ts';
import { rowsOfStep } from '../../pipeline/reporting/rollout-rows.ts';
import { rolloutParts } from '../../pipeline/reporting/rollout-table.ts';

let folder = '';
let store: ArtifactStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtrl-rollout-table-'));
  store = new ArtifactStore(new FolderObjectStore(folder));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Two prompts, the second in a shard of its own, with two rollouts each, one of which cannot be read. */
async function updateOf(step: number): Promise<RlUpdate> {
  const place = (prompt: number) => ({
    exampleIndex: prompt,
    exampleId: `e${String(prompt)}`,
    task: ['a', 'b'][prompt],
  });
  const rollout = (text: string) => ({ tokenIds: [1, 2, 3], logProbs: [0, 0, 0], finishReason: 'stop', text });
  const judged = [
    {
      judgment: { ok: true, verdict: 'yes', rationale: '' },
      reward: { value: 1 / (step + 1), accuracy: 1, format: 1 },
    },
    { judgment: { ok: false, reason: 'not-json' }, reward: { value: 0, accuracy: 0, format: 0 } },
  ];
  const shards = [0, 1].map((prompt) =>
    store.putJson({
      ...{ schema: 1, step, shard: { index: prompt, count: 2 } },
      prompts: [{ ...place(prompt), promptTokenCount: 1, rollouts: [rollout(`ü at ${String(step)}`), rollout('')] }],
    }),
  );
  const rewards = await store.putJson({
    ...{ schema: 1, step },
    prompts: [0, 1].map((prompt) => ({ ...place(prompt), label: 'no', rollouts: judged })),
  });
  return { step, rollouts: await Promise.all(shards), rewards } as unknown as RlUpdate;
}

const names = [
  'step',
  'prompt',
  'rollout',
  'task',
  'exampleId',
  'label',
  'verdict',
  'reason',
  'reward',
  'text',
] as const;

test('a file for each hundred steps, and the steps after them, hold the rows of the log', async () => {
  const updates = await Promise.all(Array.from({ length: 230 }, (_, step) => updateOf(step)));
  const cache = new JsonCache(store);
  const logged = (await Promise.all(updates.map((update) => rowsOfStep(cache, update)))).flat();
  expect(logged).toHaveLength(230 * 4);
  expect(logged[5]).toEqual({
    ...{ step: 1, prompt: 0, rollout: 1, task: 'a', exampleIndex: 0, exampleId: 'e0', label: 'no', verdict: null },
    ...{ reason: 'not-json', reward: 0, accuracy: 0, tokenCount: 3, finishReason: 'stop', text: '' },
  });
  const parts = rolloutParts(cache, updates);
  expect(parts.map(({ firstStep, lastStep }) => [firstStep, lastStep])).toEqual([
    [0, 99],
    [100, 199],
    [200, 229],
  ]);
  const columns = await Promise.all(parts.map((part) => part.columns(names)));
  for (const name of names)
    expect(
      columns.flatMap((part): readonly unknown[] => part[name]),
      name,
    ).toEqual(logged.map((row) => row[name]));
});

test('a longer run has the files of a shorter one, which are then read without the log', async () => {
  const updates = await Promise.all(Array.from({ length: 100 }, (_, step) => updateOf(step)));
  await rolloutParts(new JsonCache(store), updates)[0]?.columns(['step']);
  const { objects } = store;
  for (const { rollouts } of updates) await objects.remove(rollouts.map((ref) => store.keyOf(ref)));
  const longer = [...updates, await updateOf(100)];
  const fresh = new JsonCache(new ArtifactStore(new FolderObjectStore(folder)));
  const [first] = rolloutParts(fresh, longer);
  const { step, text } = (await first?.columns(['step', 'text'])) ?? { step: [], text: [] };
  expect([step.length, step[399], text[0]]).toEqual([400, 99, 'ü at 0']);
});

test('the files are Parquet', async () => {
  const manifests: string[] = [];
  for await (const { key } of store.objects.list('manifests/rolloutTable/')) manifests.push(key);
  const [key = ''] = manifests;
  const bytes = await store.objects.get(key);
  const { outputs } = JSON.parse(Buffer.from(bytes ?? []).toString()) as { outputs: { table: ArtifactRef } };
  const file = await store.getBytes(outputs.table);
  const rows = await parquetReadObjects({ file: file.slice().buffer });
  expect(rows).toHaveLength(400);
  expect(rows[0]).toMatchObject({ verdict: 'yes', reason: null, label: 'no', accuracy: 1 });
});
