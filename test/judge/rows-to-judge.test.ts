import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { UnusableRow } from '../../judge/datasets/reading.ts';
import { readRowsToJudge, type RowToJudge } from '../../judge/datasets/rows/rows-to-judge.ts';
import { taskSchema } from '../../recipes/fields/task-fields.ts';

let folder: string;
const prompt = '<image> {{ caption }} {{ mode_word }}';
const spec = taskSchema.parse({ kind: 'pointwise', labels: ['yes', 'no'], prompt });
const modeWords = { think: 'think', direct: 'directly' };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtrl-rows-'));
  const create = { width: 8, height: 8, channels: 3, background: { r: 1, g: 2, b: 3 } } as const;
  const bytes = await sharp({ create }).png().toBuffer();
  await writeFile(join(folder, 'a.png'), bytes);
  await writeFile(join(folder, 'cut.png'), bytes.subarray(0, 60));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(rows: readonly unknown[], file = join(folder, 'rows.jsonl')): Promise<RowToJudge[]> {
  const lines = rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row)));
  await writeFile(join(folder, 'rows.jsonl'), lines.join('\n'));
  const found: RowToJudge[] = [];
  for await (const row of readRowsToJudge({ file, imageFolder: folder, task: 't', spec, modeWords })) found.push(row);
  return found;
}

const outcomeOf = ({ outcome }: RowToJudge): string =>
  outcome instanceof UnusableRow ? outcome.code : outcome.example.id;

test('every row is valid or has a reason, and blank lines are not rows', async () => {
  const rows = await read([
    { id: 'one', image: 'a.png', caption: 'naïve 図' },
    '',
    { image: ['a.png'], caption: 3 },
    { id: 'one', image: 'a.png', caption: 'again' },
    { id: 'gone', image: 'b.png', caption: 'x' },
    { id: 'outside', image: '../a.png', caption: 'x' },
    { id: 'cut', image: 'cut.png', caption: 'x' },
    { id: 'silent', image: 'a.png' },
    { id: 'two', images: ['a.png', 'a.png'], caption: 'x' },
    { id: 'number', image: 7, caption: 'x' },
    { id: 'mark', image: 'a.png', caption: 'an <image> mark is text' },
    '[1]',
    '{',
  ]);
  expect(rows.map(outcomeOf)).toEqual([
    ...['one', 'row 3', 'DUPLICATE_ID', 'IMAGE_MISSING', 'IMAGE_MISSING', 'IMAGE_UNREADABLE', 'PROMPT_INVALID'],
    ...['PROMPT_INVALID', 'FIELD_MISSING', 'mark', 'ROW_UNREADABLE', 'ROW_UNREADABLE'],
  ]);
  expect(rows.map(({ row }) => row)).toEqual([1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
});

test('texts and numbers are fields of the prompt, names of images are not', async () => {
  const [row] = await read([{ id: 'one', image: 'a.png', caption: 'x', year: 1999, more: { nested: true } }]);
  expect(row?.outcome).toMatchObject({ example: { fields: { caption: 'x', year: '1999' }, split: 'test', task: 't' } });
});

test('a missing file is a coded error, not a row', async () => {
  await expect(read([], join(folder, 'nowhere.jsonl'))).rejects.toMatchObject({ code: 'FILE_MISSING' });
});
