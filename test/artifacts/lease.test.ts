/**
 * A lease protects what unfinished work has written or found, whatever its age. Objects on a real MinIO cannot be aged:
 * there the collection treats all of them as old.
 */
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { putFolder } from '../../artifacts/store/files.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { collectGarbage } from '../../artifacts/collection/garbage.ts';
import { leasedSinceMs, StoreLease } from '../../artifacts/collection/lease.ts';
import { memoize } from '../../artifacts/manifest.ts';
import type { ObjectStore } from '../../artifacts/store/object-store.ts';
import { openObjectStore } from '../../artifacts/store/open-store.ts';
import { verifyArtifacts } from '../../artifacts/verify.ts';
import { useStack } from '../support/stack.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-lease-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const hourMs = 60 * 60_000;

/** Collects without a grace period: everything that no lease protects is old. */
function collect(objects: ObjectStore) {
  return collectGarbage(new ArtifactStore(objects), {
    ...{ dryRun: false, forgotten: new Set<string>(), youngSinceMs: () => Promise.resolve(Date.now() + hourMs) },
    async *runningRoots() {
      // Temporal knows of no running workflow.
    },
  });
}

async function keysOf(objects: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of objects.list(prefix)) keys.push(key);
  return keys;
}

function suite(open: () => ObjectStore): void {
  it('keeps the objects of an ingestion, an upload and a snapshot in progress', async () => {
    const objects = open();
    const store = new ArtifactStore(objects, { cacheByteLengthMax: 0, lease: new StoreLease(objects) });
    await writeFile(join(root, 'model.safetensors'), Buffer.alloc(2 << 20, 1));
    const before = await store.putBytes(Buffer.alloc(2 << 20, 2));
    const pieces: Readonly<Record<string, () => Promise<unknown>>> = {
      ingestion: async () => [await store.putBytes(Buffer.alloc(1000, 3)), await store.putJson(['an index'])],
      upload: () => putFolder(store, root),
      // Already in the store before the activity began: found, not written.
      snapshot: () => store.putBytes(Buffer.alloc(2 << 20, 2)),
    };
    const made = Object.entries(pieces).map(([activity, piece]) =>
      memoize(store, { activity, codeVersion: '1', inputs: {}, config: 'lease', environment: {} }, async () => {
        const parts = await piece();
        const { garbage } = await collect(objects);
        expect(garbage.objectCount).toBe(0);
        return { outputs: { all: await store.putJson({ parts }) }, summary: {}, computeMs: 0 };
      }),
    );
    const refs = (await Promise.all(made)).map(({ ref }) => ref);
    expect((await verifyArtifacts(store, [...refs, before])).problems).toEqual([]);
    await store.close();
    expect(await keysOf(objects, 'leases/')).toEqual([]);
    await collect(objects);
    expect([...(await keysOf(objects, 'blobs/')), ...(await keysOf(objects, 'manifests/'))]).toEqual([]);
  });
}

describe('on a folder', () => {
  suite(() => new FolderObjectStore(join(root, 'store')));
});

describe('on MinIO', () => {
  const stack = useStack();
  suite(() => openObjectStore(stack.settings.s3));
});

it('creates one lease per process before the first write and removes it after the last holder', async () => {
  const objects = new FolderObjectStore(join(root, 'store'));
  const lease = new StoreLease(objects, { lingerMs: 0 });
  await lease.hold(async () => {
    expect(await keysOf(objects, 'leases/')).toHaveLength(1);
    await lease.hold(async () => expect(await keysOf(objects, 'leases/')).toHaveLength(1));
    expect(await leasedSinceMs(objects, { removeDead: true })).not.toBe(Infinity);
  });
  await lease.close();
  expect(await keysOf(objects, '')).toEqual([]);
  expect(await leasedSinceMs(objects, { removeDead: true })).toBe(Infinity);
});

it('expires the lease of a killed worker some minutes after its last renewal', async () => {
  const objects = new FolderObjectStore(join(root, 'store'));
  const sinceMs = Date.now() - 9 * hourMs;
  await objects.put('leases/killed.json', Buffer.from(`{"schema":1,"sinceMs":${String(sinceMs)}}`));
  const isProtectedFromThere = (await leasedSinceMs(objects, { removeDead: true })) <= sinceMs;
  expect(isProtectedFromThere).toBe(true);
  const lastSeen = new Date(Date.now() - 6 * 60_000);
  await utimes(join(root, 'store/leases/killed.json'), lastSeen, lastSeen);
  expect(await leasedSinceMs(objects, { removeDead: false })).toBe(Infinity);
  expect(await keysOf(objects, 'leases/')).toHaveLength(1);
  expect(await leasedSinceMs(objects, { removeDead: true })).toBe(Infinity);
  expect(await keysOf(objects, 'leases/')).toEqual([]);
});

it('refuses to commit work that was suspended for longer than its lease', async ({ onTestFinished }) => {
  onTestFinished(() => void vi.useRealTimers());
  const objects = new FolderObjectStore(join(root, 'store'));
  const store = new ArtifactStore(objects, { lease: new StoreLease(objects) });
  const of = { activity: 'ingest', codeVersion: '1', inputs: {}, config: 'suspended', environment: {} };
  const suspended = memoize(store, of, async () => {
    const part = await store.putJson('a part');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + hourMs });
    return { outputs: { part }, summary: {}, computeMs: 0 };
  });
  await expect(suspended).rejects.toMatchObject({ code: 'LEASE_LOST', retryable: true });
  expect(await keysOf(objects, 'manifests/')).toEqual([]);
  const again = async () => ({ outputs: { part: await store.putJson('a part') }, summary: {}, computeMs: 0 });
  expect((await memoize(store, of, again)).cached).toBe(false);
  await store.close();
});
