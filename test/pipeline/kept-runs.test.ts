import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import type { FindRunInput, RunOutcome } from '../../contract/activities.ts';
import { createFindRun, createKeepRun } from '../../pipeline/training/kept-runs.ts';

let root: string;
let store: ArtifactStore;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'mtrl-kept-runs-'));
  store = new ArtifactStore(new FolderObjectStore(path.join(root, 'store')));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const deps = (version = 'code') => ({ store, codeVersion: () => version, log: pino({ level: 'silent' }) });

async function made(): Promise<{ input: FindRunInput; outcome: RunOutcome }> {
  const names = ['recipe', 'dataset', 'initial', 'checkpoint', 'snapshot', 'mixture'] as const;
  const [recipe, dataset, initial, checkpoint, snapshot, mixture] = await Promise.all(
    names.map((name) => store.putJson({ name })),
  );
  if (!recipe || !dataset || !initial || !checkpoint || !snapshot || !mixture) throw new Error('six were put');
  return {
    input: { recipe, dataset, arm: 'rl', seed: 0, initial: { snapshot: initial, log: [] } },
    outcome: { checkpoint, policy: { snapshot, log: [] }, mixture, rewardLine: '▁█' },
  };
}

it('a run is found only by all of its inputs', async () => {
  const { input, outcome } = await made();
  const find = createFindRun(deps());
  expect(await find(input)).toBeNull();
  const { manifest } = await createKeepRun(deps())({ ...input, outcome });
  expect(await find(input)).toEqual({ ...outcome, manifest });
  expect(await find({ ...input, seed: 1 })).toBeNull();
  expect(await find({ ...input, arm: 'sft' })).toBeNull();
  expect(await find({ ...input, dataset: input.recipe })).toBeNull();
  expect(await find({ ...input, initial: { ...input.initial, log: [input.recipe] } })).toBeNull();
  expect(await createFindRun(deps('other code'))(input)).toBeNull();
});

it('a run whose snapshot is missing is not found, and can be stored again', async () => {
  const { input, outcome } = await made();
  await createKeepRun(deps())({ ...input, outcome });
  await rm(new URL(outcome.policy.snapshot.uri));
  expect(await createFindRun(deps())(input)).toBeNull();
  await store.putJson({ name: 'snapshot' });
  await createKeepRun(deps())({ ...input, outcome });
  expect(await createFindRun(deps())(input)).toMatchObject(outcome);
});
