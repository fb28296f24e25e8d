/**
 * A transfer that is cut short is not a damaged object: a real proxy in front of a real MinIO ends bodies early and
 * sends no length.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { memoize, type Work } from '../../artifacts/manifest.ts';
import { openArtifactStore } from '../../artifacts/store/open-store.ts';
import { readName, promoteVersion } from '../../artifacts/registry.ts';
import { verifyArtifacts } from '../../artifacts/verify.ts';
import { type CuttingProxy, startCuttingProxy } from '../support/cutting-proxy.ts';
import { useStack } from '../support/stack.ts';

const stack = useStack();
let proxy: CuttingProxy;
let store: ArtifactStore;
let folder: string;

beforeAll(async () => {
  proxy = await startCuttingProxy(stack.settings.s3.endpoint);
  // The signature covers the host that the client names: the proxy passes it on unchanged.
  store = openArtifactStore({ ...stack.settings.s3, endpoint: proxy.endpoint }, { cacheByteLengthMax: 0 });
  folder = await mkdtemp(join(tmpdir(), 'mtrl-wire-'));
});
afterAll(async () => {
  await proxy.close();
  await rm(folder, { recursive: true, force: true });
});

it('retries one short answer: bytes, a range, a file, a manifest and a name are read completely', async () => {
  const bytes = Buffer.from('the bytes of an artifact, whole');
  const ref = await store.putBytes(bytes);
  const work: Work = { activity: 'mix', codeVersion: '1', inputs: {}, config: 'wire', environment: {} };
  const made = () => Promise.resolve({ outputs: { ref }, summary: {}, computeMs: 0 });
  await memoize(store, work, made);
  await promoteVersion(store, 'judge', { revision: 0, at: 'now', identity: 'a', content: () => ({ ref }) });
  const path = join(folder, 'file');
  const reads: readonly (() => Promise<unknown>)[] = [
    async () => expect(Buffer.from(await store.getBytes(ref))).toEqual(bytes),
    async () => expect(Buffer.from(await store.getRange(ref, 4, 5))).toEqual(Buffer.from('bytes')),
    async () => {
      await store.getToFile(ref, path);
      expect(await readFile(path)).toEqual(bytes);
    },
    async () => expect((await memoize(store, work, made)).cached).toBe(true),
    async () => expect((await readName(store, 'judge')).current).toBe(1),
    async () => expect((await verifyArtifacts(store, [ref])).problems).toEqual([]),
  ];
  for (const read of reads) {
    const before = proxy.cutCount();
    proxy.cutNext(1);
    await read();
    expect(proxy.cutCount()).toBe(before + 1);
  }
});

it('reports two short answers as an unreachable store, retryable, not as a damaged object', async () => {
  const ref = await store.putBytes(Buffer.from('bytes that never come whole on a bad day'));
  for (const read of [() => store.getBytes(ref), () => store.getToFile(ref, join(folder, 'never'))]) {
    proxy.cutNext(2);
    await expect(read()).rejects.toMatchObject({ code: 'STORE_UNREACHABLE', retryable: true });
  }
  expect(Buffer.from(await store.getBytes(ref)).toString()).toContain('never come whole');
});

it('reports the same wrong bytes twice as a damaged object', async () => {
  const ref = await store.putBytes(Buffer.from('what was written'));
  await store.objects.put(store.keyOf(ref), Buffer.from('what WAS written'));
  await expect(store.getBytes(ref)).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT' });
  expect((await verifyArtifacts(store, [ref])).problemCount).toBe(1);
});
