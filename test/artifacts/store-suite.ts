/** The behaviour of any object store and of the artifact store on top of it, run on a folder and on a real MinIO. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ArtifactStore, blobKey } from '../../artifacts/store/artifact-store.ts';
import { materializeFolder, putFolder } from '../../artifacts/store/files.ts';
import { walk } from '../../artifacts/lineage.ts';
import { manifestKey, memoize, workKey, type Divergence, type Work } from '../../artifacts/manifest.ts';
import type { ObjectStore } from '../../artifacts/store/object-store.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { verifyArtifacts } from '../../artifacts/verify.ts';
import { required } from '../../core/assert.ts';

const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();
const bytesOf = (value: string): Uint8Array => new TextEncoder().encode(value);

function work(config: string, inputs: Work['inputs'] = {}): Work {
  return { activity: 'mix', codeVersion: '1', inputs, config, environment: { cpu: 'any' } };
}

/** Array.fromAsync, which Node 20 lacks. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** @param refreshesAge of a touched object, which not every server does */
export function storeSuite(open: () => ObjectStore, { refreshesAge = true } = {}): void {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mtrl-artifacts-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });
  const fresh = (): ArtifactStore => new ArtifactStore(open(), { cacheByteLengthMax: 0 });

  it('returns what was stored, and undefined for unknown keys', async () => {
    const objects = open();
    await objects.put('room/a.bin', bytesOf('one'));
    await objects.put('room/a.bin', bytesOf('two!'));
    await objects.put('room/empty', new Uint8Array());
    expect(text(await objects.get('room/a.bin'))).toBe('two!');
    const { tag, ...head } = (await objects.head('room/a.bin')) ?? {};
    expect(head).toEqual({ byteLength: 4, modifiedAtMs: expect.any(Number) as number });
    expect(await objects.head('room/empty')).toMatchObject({ byteLength: 0 });
    await objects.put('room/a.bin', bytesOf('new!'));
    if (tag !== undefined) expect((await objects.head('room/a.bin'))?.tag).not.toBe(tag);
    expect([await objects.get('room/b'), await objects.head('room/b'), await objects.open('room/b')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(await collect(objects.list('room/'))).toMatchObject([
      { key: 'room/a.bin', byteLength: 4, modifiedAtMs: expect.any(Number) as number },
      { key: 'room/empty', byteLength: 0, modifiedAtMs: expect.any(Number) as number },
    ]);
    expect(objects.keyOf(objects.uriOf('room/a.bin'))).toBe('room/a.bin');
  });

  it('refuses keys that could leave the store, and URIs of another store', async () => {
    const objects = open();
    for (const key of ['', '/a', 'a/', 'a//b', '../a', 'a/../b', 'a b', '.'])
      await expect(objects.get(key), key).rejects.toThrow('not an object key');
    expect(() => objects.keyOf('s3://some-other-bucket/a')).toThrow(
      expect.objectContaining({ code: 'ARTIFACT_MISSING' }) as Error,
    );
  });

  it('lets exactly one of 50 concurrent writers win', async () => {
    const objects = open();
    const writers = Array.from({ length: 50 }, (_, i) => `writer ${String(i)}`);
    const outcomes = await Promise.all(writers.map((writer) => objects.putIfAbsent('race/key', bytesOf(writer))));
    const winners = writers.filter((_, i) => outcomes[i] === 'written');
    expect(winners).toHaveLength(1);
    expect(text(await objects.get('race/key'))).toBe(winners[0]);
  });

  it('lets exactly one of 50 concurrent writers replace the object that all of them have read', async () => {
    const objects = open();
    await objects.put('race/pointer', bytesOf('before'));
    const before = await objects.getTagged('race/pointer');
    expect(text(before?.bytes)).toBe('before');
    const writers = Array.from({ length: 50 }, (_, i) => `writer ${String(i)}`);
    const outcomes = await Promise.all(
      writers.map((writer) => objects.putIfMatch('race/pointer', bytesOf(writer), before?.tag ?? '')),
    );
    const winners = writers.filter((_, i) => outcomes[i] === 'written');
    expect(winners).toHaveLength(1);
    const after = await objects.getTagged('race/pointer');
    expect(text(after?.bytes)).toBe(winners[0]);
    expect(await objects.putIfMatch('race/pointer', bytesOf('next'), after?.tag ?? '')).toBe('written');
    expect(text(await objects.get('race/pointer'))).toBe('next');
  });

  it('replaces nothing if the object is missing or has changed since the writer read it', async () => {
    const objects = open();
    expect(await objects.getTagged('pointers/none')).toBeUndefined();
    await objects.put('pointers/a', bytesOf('one'));
    const { tag = '' } = (await objects.getTagged('pointers/a')) ?? {};
    expect(await objects.putIfMatch('pointers/none', bytesOf('two'), tag)).toBe('changed');
    expect(await objects.get('pointers/none')).toBeUndefined();
    await objects.put('pointers/a', bytesOf('two'));
    expect(await objects.putIfMatch('pointers/a', bytesOf('three'), tag)).toBe('changed');
    expect(text(await objects.get('pointers/a'))).toBe('two');
  });

  it('stores equal bytes once and verifies them on every read', async () => {
    const store = fresh();
    const [a, b] = [await store.putBytes(bytesOf('same')), await store.putBytes(bytesOf('same'))];
    expect(a).toEqual(b);
    expect(text(await store.getBytes(a))).toBe('same');
    await store.objects.put(store.objects.keyOf(a.uri), bytesOf('SAME'));
    await expect(store.getBytes(a)).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT', details: { where: a.uri } });
    const gone = store.refOf({ sha256: 'e'.repeat(64), byteLength: 1 });
    await expect(store.getBytes(gone)).rejects.toMatchObject({ code: 'ARTIFACT_MISSING' });
  });

  it('streams files in and out completely, and leaves no file if the bytes are wrong', async () => {
    const store = fresh();
    const [source, copy] = [join(folder, 'source'), join(folder, 'copy')];
    const content = randomBytes(3_000_001);
    await writeFile(source, content);
    const ref = await store.putFile(source);
    await store.getToFile(ref, copy);
    expect((await readFile(copy)).equals(content)).toBe(true);
    await expect(store.getToFile({ ...ref, sha256: 'a'.repeat(64) }, join(folder, 'wrong'))).rejects.toMatchObject({
      code: 'ARTIFACT_CORRUPT',
    });
    await expect(readFile(join(folder, 'wrong'))).rejects.toThrow('ENOENT');
  });

  it('memoizes equal work, whatever the environment', async () => {
    const store = fresh();
    let computeCount = 0;
    const compute = async () => {
      computeCount++;
      return { outputs: { plan: await store.putJson({ steps: [1, 2] }) }, summary: { exampleCount: 2 }, computeMs: 7 };
    };
    const input = await store.putJson('input');
    const first = await memoize(store, work('once', { data: input }), compute);
    const elsewhere = { ...input, uri: 's3://elsewhere/x', producer: 'manifests/other/1.json' };
    const second = await memoize(
      store,
      { ...work('once', { data: elsewhere }), environment: { cpu: 'other' } },
      compute,
    );
    expect([first.cached, second.cached, computeCount]).toEqual([false, true, 1]);
    expect(second.manifest).toEqual(first.manifest);
    expect(second.ref).toEqual(first.ref);
    expect(first.manifest.outputs['plan']?.producer).toBe(manifestKey('mix', first.manifest.key));
    const changed = await memoize(store, { ...work('once', { data: input }), codeVersion: '2' }, compute);
    expect([changed.cached, computeCount]).toEqual([false, 2]);
  });

  it.for(['output', 'part of a document', 'file of a folder'])(
    'repeats work whose %s is missing, with the same digests',
    async (gone) => {
      const store = fresh();
      const compute = async () => {
        const file = await store.putJson(`a file, then ${gone}`);
        const { sha256, byteLength } = file;
        const folder = await store.putJson({ schema: 1, files: { 'a.json': { sha256, byteLength } } });
        const plain = await store.putJson(`an output, then ${gone}`);
        return { outputs: { plain, snapshot: await store.putJson({ folder }) }, summary: {}, computeMs: 7 };
      };
      const first = await memoize(store, work(`gone: ${gone}`), compute);
      const parts = await compute();
      const snapshot = (await store.getJson(required(parts.outputs['snapshot'], 'the snapshot'))) as {
        folder: ArtifactRef;
      };
      const { files } = (await store.getJson(snapshot.folder)) as { files: Record<string, ArtifactRef> };
      const lost = {
        output: parts.outputs['plain'],
        'part of a document': snapshot.folder,
        'file of a folder': files['a.json'],
      };
      const key = blobKey(required(lost[gone as keyof typeof lost], gone).sha256);
      expect((await memoize(store, work(`gone: ${gone}`), compute)).cached).toBe(true);
      await store.objects.remove([key]);
      const again = await memoize(store, work(`gone: ${gone}`), compute);
      expect(again.cached).toBe(false);
      expect(again.ref).toEqual(first.ref);
      expect(await store.objects.head(key)).toBeDefined();
      expect((await memoize(store, work(`gone: ${gone}`), compute)).cached).toBe(true);
    },
  );

  it('replaces a manifest whose output is missing and cannot be reproduced, once among concurrent attempts', async () => {
    const store = fresh();
    const made = (value: string) => async () => ({
      outputs: { value: await store.putJson({ replaced: value }) },
      summary: {},
      computeMs: 0,
    });
    const first = await memoize(store, work('replaced'), made('one'));
    await store.objects.remove([blobKey(required(first.manifest.outputs['value'], 'the output').sha256)]);
    const outcomes = await Promise.allSettled(
      ['two', 'three'].map((value) => memoize(store, work('replaced'), made(value))),
    );
    const done = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    expect(done.length).toBeGreaterThan(0);
    for (const error of refused) expect(error).toMatchObject({ code: 'STORE_FAILED', retryable: true });
    const last = await memoize(store, work('replaced'), made('four'));
    expect(last.cached).toBe(true);
    for (const { ref } of done) expect(ref).toEqual(last.ref);
    expect(await store.getJson(required(last.manifest.outputs['value'], 'the output'))).not.toEqual({
      replaced: 'one',
    });
  });

  it('writes nothing under the final key if the attempt fails between its parts and its manifest', async () => {
    const store = fresh();
    const dying = memoize(store, work('dying'), async () => {
      await store.putJson('a part');
      throw new Error('killed');
    });
    await expect(dying).rejects.toThrow('killed');
    const key = manifestKey('mix', workKey(work('dying')));
    expect(await store.objects.head(key)).toBeUndefined();
    const again = await memoize(store, work('dying'), () => Promise.resolve({ outputs: {}, summary: 1, computeMs: 0 }));
    expect(again.cached).toBe(false);
  });

  it('gives all concurrent attempts the same winner and reports outputs that differ', async () => {
    const store = fresh();
    const divergences: Divergence[] = [];
    let arrived = 0;
    let release = (): void => undefined;
    const allArrived = new Promise<void>((resolve) => (release = resolve));
    const attempts = [0, 1, 2].map((i) =>
      memoize(
        store,
        work('raced'),
        async () => {
          if (++arrived === 3) release();
          await allArrived;
          return {
            outputs: { same: await store.putJson('same'), clock: await store.putJson(i) },
            summary: 'same',
            computeMs: i,
          };
        },
        { onDivergence: (found) => divergences.push(...found) },
      ),
    );
    const results = await Promise.all(attempts);
    expect(new Set(results.map(({ ref }) => ref.sha256)).size).toBe(1);
    expect(divergences.map(({ name }) => name)).toEqual(['clock', 'clock']);
  });

  it('addresses a folder by its content and materializes an identical folder', async () => {
    const store = fresh();
    const source = await mkdtemp(join(folder, 'checkpoint-'));
    await writeFile(join(source, 'config.json'), '{}');
    await writeFile(join(source, 'model.safetensors'), randomBytes(1000));
    const ref = await putFolder(store, source);
    expect(await putFolder(store, source, ['model.safetensors', 'config.json'])).toEqual(ref);
    const target = join(folder, 'materialized');
    await materializeFolder(store, ref, target);
    for (const name of ['config.json', 'model.safetensors']) {
      expect((await readFile(join(target, name))).equals(await readFile(join(source, name)))).toBe(true);
    }
    await expect(materializeFolder(store, ref, target)).rejects.toMatchObject({ code: 'USAGE' });
    const escaping = await store.putJson({
      schema: 1,
      files: { '../escaped': { sha256: 'a'.repeat(64), byteLength: 1 } },
    });
    await expect(materializeFolder(store, escaping, join(folder, 'escape'))).rejects.toMatchObject({
      code: 'ARTIFACT_CORRUPT',
    });
  });

  it('lists in key order, removes only the given keys, and refreshes the age of a touched object', async () => {
    const objects = open();
    for (const key of ['order/b', 'order/a/z', 'order/a.json', 'order/a-b/c']) await objects.put(key, bytesOf(key));
    const keys = async () => (await collect(objects.list('order/'))).map(({ key }) => key);
    expect(await keys()).toEqual(['order/a-b/c', 'order/a.json', 'order/a/z', 'order/b']);
    const after = async (key: string) => (await collect(objects.list('order/', key))).map((entry) => entry.key);
    expect(await after('order/a.json')).toEqual(['order/a/z', 'order/b']);
    expect(await after('order/a/~')).toEqual(['order/b']);
    expect(await after('order0')).toEqual([]);
    const before = (await objects.getTagged('order/b'))?.modifiedAtMs ?? NaN;
    await sleep(1_100);
    expect([await objects.touch('order/b'), await objects.touch('order/nothing')]).toEqual([true, false]);
    if (refreshesAge) expect((await objects.getTagged('order/b'))?.modifiedAtMs).toBeGreaterThan(before);
    expect(text(await objects.get('order/b'))).toBe('order/b');
    await objects.remove(['order/a.json', 'order/nothing', 'order/a/z']);
    expect(await keys()).toEqual(['order/a-b/c', 'order/b']);
  });

  it('walks from a root through refs, folders and producers, each artifact once', async () => {
    const { store, root, expected } = await chain(fresh(), 'walk');
    const visited = await collect(walk(store, [root, root]));
    expect(visited.map(({ uri }) => uri).sort()).toEqual(expected.map(({ uri }) => uri).sort());
    expect((await verifyArtifacts(store, [root])).problems).toEqual([]);
  });

  it('names every object with a changed byte and every missing object', async () => {
    const { store, root, expected } = await chain(fresh(), 'flip');
    for (const victim of expected) {
      const key = store.objects.keyOf(victim.uri);
      const kept = await store.objects.get(key);
      if (kept === undefined) throw new Error(`${key} is not there`);
      const changed = Uint8Array.from(kept);
      changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
      await store.objects.put(key, changed);
      const { problems } = await verifyArtifacts(new ArtifactStore(open()), [root]);
      expect(problems.map(({ uri }) => uri)).toEqual([victim.uri]);
      await store.objects.put(key, kept);
    }
    const absent = store.refOf({ sha256: 'd'.repeat(64), byteLength: 3 });
    const { problems } = await verifyArtifacts(store, [root, absent]);
    expect(problems).toEqual([{ uri: absent.uri, expected: `sha256 ${absent.sha256}, 3 bytes`, found: 'nothing' }]);
  });
}

/** index (JSON) -> output -> producer manifest -> input (folder) -> file. `expected`: all artifacts of the chain. */
async function chain(
  store: ArtifactStore,
  salt: string,
): Promise<{ store: ArtifactStore; root: ArtifactRef; expected: ArtifactRef[] }> {
  const file = await store.putBytes(bytesOf(`weights of ${salt}`));
  const folder = await store.putJson({
    schema: 1,
    files: { 'model.safetensors': { sha256: file.sha256, byteLength: file.byteLength } },
  });
  const { manifest, ref } = await memoize(store, work(salt, { policy: folder }), async () => ({
    outputs: { rollouts: await store.putBytes(bytesOf(`rollouts of ${salt}`)) },
    summary: {},
    computeMs: 1,
  }));
  const rollouts = manifest.outputs['rollouts'];
  if (rollouts === undefined) throw new Error('no output');
  const root = await store.putJson({ salt, runs: [{ last: rollouts }] });
  expect(store.objects.keyOf(file.uri)).toBe(blobKey(file.sha256));
  return { store, root, expected: [root, rollouts, ref, folder, file] };
}
