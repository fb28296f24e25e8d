import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { youngMs } from '../../artifacts/store/age.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-age-'));
});
afterEach(() => rm(root, { recursive: true }));

it('refreshes the age of a stored file once it has aged, without copying it again', async () => {
  const objects = new FolderObjectStore(join(root, 'store'));
  const store = new ArtifactStore(objects);
  const [touch, putStream] = [vi.spyOn(objects, 'touch'), vi.spyOn(objects, 'putStream')];
  const file = join(root, 'weights');
  await writeFile(file, 'the weights of a large model');

  const ref = await store.putFile(file);
  await store.putFile(file);
  expect([putStream.mock.calls.length, touch.mock.calls.length]).toEqual([1, 0]);

  const aged = new Date(Date.now() - youngMs);
  await utimes(join(root, 'store', store.keyOf(ref)), aged, aged);
  await store.putFile(file);
  expect([putStream.mock.calls.length, touch.mock.calls.length]).toEqual([1, 1]);
  const head = await objects.head(store.keyOf(ref));
  expect(head?.modifiedAtMs).toBeGreaterThan(aged.getTime() + youngMs / 2);
});
