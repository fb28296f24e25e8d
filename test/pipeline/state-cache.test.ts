import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { StateFolders, type StateFoldersOptions } from '../../pipeline/policies/state-folders.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-folders-'));
});
afterEach(() => rm(root, { recursive: true }));

const names = ['a', 'b', 'c', 'd'];

/** Keeps four states of 100 bytes, one after the other. */
async function keepFour(options: StateFoldersOptions): Promise<StateFolders> {
  const folders = new StateFolders(root, options);
  for (const name of names) {
    await folders.keep(async (folder) => {
      await writeFile(join(folder, 'model.safetensors'), Buffer.alloc(100));
      return [[name], undefined];
    });
  }
  return folders;
}

const heldOf = (folders: StateFolders): string[] => names.filter((name) => folders.holds([name]));

it('keeps as many bytes as it may, the newest states first, and removes the files of the others', async () => {
  expect(heldOf(await keepFour({ byteLengthMax: 300 }))).toEqual(['b', 'c', 'd']);
  const folders = (await readdir(root)).sort();
  expect(await Promise.all(folders.map((name) => readdir(join(root, name))))).toEqual([
    ['model.safetensors'],
    ['model.safetensors'],
    ['model.safetensors'],
  ]);
});

it('keeps what an engine leaves and what it goes to, however large they are', async () => {
  expect(heldOf(await keepFour({ byteLengthMax: 10 }))).toEqual(['c', 'd']);
});

it('keeps no more states than it may, however small they are', async () => {
  expect(heldOf(await keepFour({ countMax: 1 }))).toEqual(['d']);
});

it('keeps states that are read, over its limits, until they are released', async () => {
  const folders = await keepFour({ countMax: 4 });
  const never = (): Promise<void> => Promise.reject(new Error('it is here'));
  const pinned = await Promise.all(names.map((name) => folders.pin([name], never)));
  const write = (folder: string): Promise<void> => writeFile(join(folder, 'model.safetensors'), 'e');
  const last = await folders.pin(['e'], write);
  expect(heldOf(folders)).toEqual(names);
  expect(await readdir(last.folder)).toEqual(['model.safetensors']);
  for (const { release } of pinned) await release();
  expect(heldOf(folders)).toEqual(['b', 'c', 'd']);
});

it('forgets a state that could not be written, for all who waited for it', async () => {
  const folders = new StateFolders(root);
  const failing = [1, 2].map(() => folders.pin(['a'], () => Promise.reject(new Error('no such object'))));
  expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await readdir(root)).toEqual([]);
  const { folder } = await folders.pin(['a'], (to) => writeFile(join(to, 'model.safetensors'), 'a'));
  expect(await readdir(folder)).toEqual(['model.safetensors']);
});
