import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Ancestry, ancestryOf } from '../../artifacts/ancestry.ts';
import { memoize } from '../../artifacts/manifest.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { required } from '../../core/assert.ts';

const stepCount = 150;
let root: string;
let store: ArtifactStore;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-ancestry-'));
  store = new ArtifactStore(new FolderObjectStore(root));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function made(
  activity: string,
  inputs: Readonly<Record<string, ArtifactRef | readonly ArtifactRef[]>>,
  config: Readonly<Record<string, number>> = {},
): Promise<ArtifactRef> {
  const work = { activity, codeVersion: 'code', inputs, config, environment: {} };
  const { manifest } = await memoize(store, work, async () => ({
    ...{ outputs: { made: await store.putJson({ activity, ...config }) }, summary: {}, computeMs: 0 },
  }));
  return required(manifest.outputs['made'], 'what was made');
}

/** Length of the longest path. */
function depthOf({ madeBy }: Ancestry): number {
  return 1 + Math.max(0, ...(madeBy?.inputs ?? []).map(depthOf));
}

it('lists the steps since a snapshot side by side instead of nesting them', async () => {
  const first = await made('importPolicy', {});
  const log: ArtifactRef[] = [];
  for (let step = 0; step < stepCount; step++)
    log.push(await made('optimize', { snapshot: first, log: [...log] }, { step }));
  const snapshot = await made('snapshot', { snapshot: first, log }, { step: stepCount });
  const tree = await ancestryOf(store, 'snapshot', snapshot, { depthMax: 12, openedCountMax: 3 });
  const steps = required(tree.madeBy, 'its maker').inputs.filter(({ name }) => name === 'log');
  expect(steps.map(({ madeBy }) => madeBy?.settings['step'])).toEqual(log.map((_, step) => step));
  expect(steps.slice(0, -3).every(({ madeBy }) => madeBy?.inputs.length === 0)).toBe(true);
  expect(required(steps.at(-1)?.madeBy, 'the last step').further).toEqual({ log: stepCount - 1 });
  expect(depthOf(tree)).toBe(3);
});
