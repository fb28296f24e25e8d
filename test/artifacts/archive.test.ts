/**
 * An exported experiment that was modified in transit, or that names paths it must not, is refused and leaves nothing
 * behind.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArchiveEntry, entriesOf, readHeader } from '../../artifacts/archive/archive.ts';
import { readArchiveFolder, writeArchiveFolder } from '../../artifacts/archive/archive-folder.ts';
import { readTar, writeTar } from '../../artifacts/archive/archive-tar.ts';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { experimentKey } from '../../artifacts/experiments.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { importArchive } from '../../artifacts/archive/import.ts';
import { jsonBytes } from '../../artifacts/codecs/json-value.ts';
import { memoize } from '../../artifacts/manifest.ts';
import { digestOf } from '../../core/json.ts';
import { verifyArtifacts } from '../../artifacts/verify.ts';
import { collect } from './store-suite.ts';

let folder = '';
let tar = '';
let source: ArtifactStore;
let storeCount = 0;

const freshStore = (): ArtifactStore =>
  new ArtifactStore(new FolderObjectStore(join(folder, `store-${String(++storeCount)}`)), { cacheByteLengthMax: 0 });
const keysOf = async ({ objects }: ArtifactStore): Promise<string[]> =>
  (await collect(objects.list(''))).map(({ key }) => key);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtrl-archive-'));
  source = freshStore();
  const work = { activity: 'optimize', codeVersion: '1', inputs: {}, config: { step: 1 }, environment: {} };
  const { manifest } = await memoize(source, work, async () => {
    const file = await source.putBytes(Buffer.alloc(5 << 20, 7));
    const weights = await source.putJson({
      schema: 1,
      files: { 'a.bin': { sha256: file.sha256, byteLength: 5 << 20 } },
    });
    return { outputs: { weights }, summary: {}, computeMs: 1 };
  });
  const unrelated = await source.putJson('nothing of the experiment');
  await source.objects.put(experimentKey('one'), jsonBytes({ experimentId: 'one', runs: [manifest.outputs] }));
  expect(await source.objects.head(source.keyOf(unrelated))).toBeDefined();
  tar = join(folder, 'one.tar');
  await writeTar(tar, entriesOf(source, 'one'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('an exported experiment', () => {
  it('holds exactly the objects reachable from its document, from a tar and from a folder, imported once or twice', async () => {
    const store = freshStore();
    expect(await importArchive(store, readTar(tar), tar)).toMatchObject({ objectCount: 3, newObjectCount: 3 });
    const keys = await keysOf(store);
    expect(keys).toEqual((await keysOf(source)).filter((key) => keys.includes(key)));
    expect(keys).toHaveLength(4);
    const document = JSON.parse(Buffer.from((await store.objects.get(experimentKey('one'))) ?? []).toString()) as {
      runs: [{ weights: Parameters<ArtifactStore['getJson']>[0] }];
    };
    // The address in the ref is the other store's.
    expect(await store.getJson(document.runs[0].weights)).toMatchObject({ schema: 1 });
    expect((await verifyArtifacts(store, [document.runs[0].weights])).problems).toEqual([]);

    const exported = join(folder, 'exported');
    await writeArchiveFolder(exported, entriesOf(store, 'one'));
    const again = await importArchive(store, readArchiveFolder(exported), exported);
    expect(again).toMatchObject({ experimentId: 'one', newObjectCount: 0 });
    await expect(writeArchiveFolder(exported, entriesOf(store, 'one'))).rejects.toMatchObject({ code: 'USAGE' });
    await expect(writeTar(tar, entriesOf(store, 'one'))).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('is refused with one byte of any entry changed, and the experiment does not appear', async () => {
    const bytes = await readFile(tar);
    for (const offset of await contentOffsets(bytes)) {
      const changed = Buffer.from(bytes);
      changed[offset] = (changed[offset] ?? 0) ^ 1;
      const path = join(folder, 'changed.tar');
      await writeFile(path, changed);
      const store = freshStore();
      await expect(importArchive(store, readTar(path), path), String(offset)).rejects.toMatchObject({
        code: 'ARCHIVE_INVALID',
      });
      expect((await keysOf(store)).filter((key) => !/^(blobs|manifests)\//.test(key))).toEqual([]);
    }
  });

  it('is refused if its end is missing', async () => {
    const bytes = await readFile(tar);
    const entries = await collect(readTarSizes());
    const lastByteLength = 512 * (2 + Math.ceil((entries.at(-1) ?? 0) / 512)) + 512;
    for (const end of [bytes.length >> 1, bytes.length - lastByteLength]) {
      const path = join(folder, 'cut.tar');
      await writeFile(path, bytes.subarray(0, end));
      const store = freshStore();
      await expect(importArchive(store, readTar(path), path)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
      expect(await store.objects.head(experimentKey('one'))).toBeUndefined();
    }
  });

  it.each(['../escaped', '/etc/escaped', 'blobs/sha256/../../escaped', 'notes.txt', 'blobs/sha256/ff/short'])(
    'is refused if it names %s',
    async (name) => {
      const [header, document] = await collect(entriesOf(source, 'one'));
      if (!header || !document) throw new Error('no entries');
      const path = join(folder, 'escaping.tar');
      await writeFile(path, await tarOf([header, document], name));
      const store = freshStore();
      const refused = { code: 'ARCHIVE_INVALID', details: { where: expect.stringContaining(name) as string } };
      await expect(importArchive(store, readTar(path), path)).rejects.toMatchObject(refused);
      expect(await keysOf(store)).toEqual([]);
    },
  );

  it.each([
    ['no', ''],
    ['too long an', 'a'.repeat(231)],
    ['an ill-formed', '\ud800'],
  ])('is refused with %s id', (_, experimentId) => {
    const open = { schema: 1, experimentId, document: { sha256: '0'.repeat(64), byteLength: 1 } };
    const read = () => readHeader(jsonBytes({ ...open, digest: digestOf(open) }), 'one.tar');
    expect(read).toThrow(expect.objectContaining({ code: 'ARCHIVE_INVALID' }) as Error);
  });

  it('does not replace another experiment with the same id, and a file that is not an archive is refused', async () => {
    const store = freshStore();
    await store.objects.put(experimentKey('one'), jsonBytes({ experimentId: 'one', runs: [] }));
    await expect(importArchive(store, readTar(tar), tar)).rejects.toMatchObject({ code: 'IMPORT_CONFLICT' });
    expect(await keysOf(store)).toEqual([experimentKey('one')]);
    const text = join(folder, 'text.tar');
    await writeFile(text, 'this is no tar');
    await expect(importArchive(store, readTar(text), text)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    const missing = join(folder, 'missing.tar');
    await expect(importArchive(store, readTar(missing), missing)).rejects.toMatchObject({ code: 'FILE_MISSING' });
  });
});

async function* readTarSizes(): AsyncGenerator<number> {
  for await (const { byteLength, open } of readTar(tar)) {
    yield byteLength;
    for await (const _ of await open());
  }
}

/** Offsets of the middle of each entry's content, and of a byte of its name. */
async function contentOffsets(bytes: Buffer): Promise<number[]> {
  const offsets: number[] = [];
  let at = 0;
  for await (const byteLength of readTarSizes()) {
    offsets.push(at + 3, at + 512 + (byteLength >> 1));
    at += 512 + Math.ceil(byteLength / 512) * 512;
  }
  expect(at).toBeLessThan(bytes.length);
  return offsets;
}

async function tarOf(entries: readonly ArchiveEntry[], evilName: string): Promise<Buffer> {
  const archive = pack();
  for (const { name, open } of entries) archive.entry({ name }, Buffer.concat(await collected(await open())));
  archive.entry({ name: evilName }, 'evil');
  archive.finalize();
  return Buffer.concat(await collected(archive));
}

async function collected(stream: AsyncIterable<unknown>): Promise<Uint8Array[]> {
  return (await collect(stream)) as Uint8Array[];
}
