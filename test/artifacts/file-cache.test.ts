import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import type { ObjectStore } from '../../artifacts/store/object-store.ts';

let root: string;
let opened: string[];
let objects: ObjectStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-files-'));
  opened = [];
  const folder = new FolderObjectStore(join(root, 'store'));
  objects = new Proxy<ObjectStore>(folder, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (name === 'open') opened.push(String(args[0]));
        return Reflect.apply(value, target, args);
      };
    },
  });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const size = 2 << 20;
const bytesOf = (value: number) => new Uint8Array(size).fill(value);
const cacheFolder = () => join(root, 'cache');
/** A worker of the host: a store of its own with the shared folder. */
const worker = (byteLengthMax = 10 * size) =>
  new ArtifactStore(objects, { cacheByteLengthMax: 0, files: { folder: cacheFolder(), byteLengthMax } });
const put = (value: number) => new ArtifactStore(objects).putBytes(bytesOf(value));
const at = (name: string) => join(root, 'spool', name);

it('several workers that want a file at the same time, and later ones, fetch it once', async () => {
  const ref = await put(1);
  await Promise.all(['a', 'b', 'c'].map((name) => worker().getToFile(ref, at(name))));
  await worker().getToFile(ref, at('d'));
  expect(opened).toHaveLength(1);
  for (const name of ['a', 'b', 'c', 'd']) expect((await readFile(at(name))).equals(bytesOf(1))).toBe(true);
});

it('a damaged cached file is fetched again', async () => {
  const ref = await put(1);
  await worker().getToFile(ref, at('a'));
  await rm(at('a'));
  await writeFile(join(cacheFolder(), ref.sha256), bytesOf(2));
  await worker().getToFile(ref, at('b'));
  expect((await readFile(at('b'))).equals(bytesOf(1))).toBe(true);
  expect(opened).toHaveLength(2);
});

it('the least recently used files are deleted beyond the limit, and what was placed stays', async () => {
  const refs = [await put(1), await put(2), await put(3)] as const;
  await worker(2 * size).getToFile(refs[0], at('a'));
  await worker(2 * size).getToFile(refs[1], at('b'));
  const longAgo = new Date(0);
  await utimes(join(cacheFolder(), refs[1].sha256), longAgo, longAgo);
  await worker(2 * size).getToFile(refs[2], at('c'));
  expect((await readdir(cacheFolder())).sort()).toEqual([refs[0].sha256, refs[2].sha256].sort());
  expect((await stat(at('b'))).size).toBe(size);
});

it('the partial file of a worker that died is taken over, and one that is being written is waited for', async () => {
  const ref = await put(1);
  await worker().getToFile(ref, at('a'));
  const partial = join(cacheFolder(), `${ref.sha256}.partial`);
  await rm(join(cacheFolder(), ref.sha256));
  await writeFile(partial, 'begun');
  const waiting = worker().getToFile(ref, at('b'));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(opened).toHaveLength(1);
  const longAgo = new Date(Date.now() - 120_000);
  await utimes(partial, longAgo, longAgo);
  await waiting;
  expect(opened).toHaveLength(2);
  expect(await readdir(cacheFolder())).toEqual([ref.sha256]);
});

it('an object that is missing leaves nothing behind', async () => {
  const ref = await put(1);
  await objects.remove([objects.keyOf(ref.uri)]);
  await expect(worker().getToFile(ref, at('a'))).rejects.toMatchObject({ code: 'ARTIFACT_MISSING' });
  expect(await readdir(cacheFolder())).toEqual([]);
});
