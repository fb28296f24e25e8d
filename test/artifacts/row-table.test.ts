import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { rowsAt, type RowTable, RowTableWriter } from '../../artifacts/codecs/row-table.ts';
import { required } from '../../core/assert.ts';
import { Rng } from '../../core/rng.ts';
import { CountingStore } from '../support/counting-store.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-rows-test-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const rowOf = (i: number) => ({ id: i, text: `row ${String(i)} äöü `.repeat(1 + (i % 7)) });

async function tableOf(rowCount: number): Promise<RowTable> {
  const writer = new RowTableWriter(new ArtifactStore(new CountingStore(root)));
  for (let i = 0; i < rowCount; i++) await writer.add(rowOf(i));
  return writer.finish();
}

/** Opens the store without any cached state. */
function opened() {
  const objects = new CountingStore(root);
  return { objects, store: new ArtifactStore(objects) };
}

it('returns the requested rows in the requested order from any shards', async () => {
  const table = await tableOf(9_000);
  expect(table.shards.map(({ firstRow, rowCount }) => [firstRow, rowCount])).toEqual([
    [0, 4_096],
    [4_096, 4_096],
    [8_192, 808],
  ]);
  const rng = new Rng('rows');
  const asked = [0, 8_999, 4_096, 4_095, 0, ...Array.from({ length: 200 }, () => rng.integer(0, 9_000))];
  expect(await rowsAt(opened().store, table, asked)).toEqual(asked.map(rowOf));
  expect(await rowsAt(opened().store, table, [])).toEqual([]);
  await expect(rowsAt(opened().store, table, [9_000])).rejects.toThrow(/row 9000 of 9000/);
  expect(await tableOf(0)).toMatchObject({ rowCount: 0, shards: [] });
});

it('reads only the requested rows: their cost does not depend on the length of the table', async () => {
  const costOf = async (rowCount: number) => {
    const table = await tableOf(rowCount);
    const { objects, store } = opened();
    await rowsAt(store, table, [1, Math.floor(rowCount / 2), rowCount - 1]);
    return { objectCount: objects.reads.size, byteLength: objects.byteLength - 4 * rowCount };
  };
  const [small, large] = [await costOf(8_200), await costOf(40_000)];
  expect(small.objectCount).toBeLessThanOrEqual(1 + 3);
  expect(large.objectCount).toBe(small.objectCount);
  expect(Math.max(small.byteLength, large.byteLength)).toBeLessThan(3 * 400);
});

it('reads adjacent rows in one request', async () => {
  const table = await tableOf(4_000);
  const { objects, store } = opened();
  const rows = Array.from({ length: 4_000 }, (_, i) => i);
  expect(await rowsAt(store, table, rows)).toHaveLength(4_000);
  expect([...objects.reads.values()]).toEqual([1, 1]);
});

it('repeats a bad read with the whole shard, and reports a damaged object as such', async () => {
  const table = await tableOf(100);
  const { store } = opened();
  let badCount = 0;
  const garbled = {
    getBytes: (ref: Parameters<typeof store.getBytes>[0]) => store.getBytes(ref),
    getRange: async (...range: Parameters<typeof store.getRange>) => {
      badCount++;
      return (await store.getRange(...range)).subarray(0, 60);
    },
  };
  expect(await rowsAt(garbled, table, [50])).toEqual([rowOf(50)]);
  expect(badCount).toBe(1);
  const { lines } = required(table.shards[0], 'a shard');
  await writeFile(fileURLToPath(lines.uri), Buffer.from('x'.repeat(lines.byteLength)));
  await expect(rowsAt(opened().store, table, [50])).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT' });
});
