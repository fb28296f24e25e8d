import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { StateFolders, type StateFoldersOptions } from '../../activities/state-folders.ts';

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
    [],
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
