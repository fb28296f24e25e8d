import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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
  const other = { ...create, background: { r: 9, g: 2, b: 3 } };
  await writeFile(join(folder, 'other.png'), await sharp({ create: other }).png().toBuffer());
  await writeFile(join(folder, 'cut.png'), bytes.subarray(0, 60));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(
  rows: readonly unknown[],
  file = join(folder, 'rows.jsonl'),
  task: typeof spec = spec,
): Promise<RowToJudge[]> {
  const lines = rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row)));
  await writeFile(join(folder, 'rows.jsonl'), lines.join('\n'));
  const found: RowToJudge[] = [];
  for await (const row of readRowsToJudge({ file, imageFolder: folder, task: 't', spec: task, modeWords }))
    found.push(row);
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

test('candidates are texts, pictures, or both, after the pictures of the context', async () => {
  const pair = taskSchema.parse({
    ...{ kind: 'pairwise', labels: ['first', 'second'] },
    prompt: '<image> {{ caption }} {{ candidates[0] }} {{ candidates[1] }} {{ mode_word }}',
  });
  const b = await readFile(join(folder, 'other.png'));
  const row = { image: 'a.png', caption: 'x' };
  const rows = await read(
    [
      { ...row, id: 'texts', candidates: ['one', 'two'] },
      { ...row, id: 'pictures', candidates: [{ image: 'other.png' }, { image: 'a.png', text: 'with text' }] },
      { ...row, id: 'chat', candidates: [[{ type: 'text', text: 'see' }, ['image', 'other.png']], 'two'] },
      { ...row, id: 'one', candidates: [{ image: 'other.png' }] },
      { ...row, id: 'gone', candidates: [{ image: 'c.png' }, 'two'] },
      { ...row, id: 'video', candidates: [{ type: 'video', video: 'c.mp4' }, 'two'] },
      { ...row, id: 'no-list', candidates: 'one' },
      { ...row, id: 'number', candidates: [{ image: 7 }, 'two'] },
    ],
    undefined,
    pair,
  );
  expect(rows.map(outcomeOf)).toEqual([
    ...['texts', 'pictures', 'chat', 'CANDIDATES_INVALID', 'IMAGE_MISSING', 'FIELD_MISSING', 'FIELD_MISSING'],
    'FIELD_MISSING',
  ]);
  const [, pictures, chat] = rows.map(({ outcome }) => outcome);
  expect(pictures).toMatchObject({
    example: { candidates: [[{ image: 1 }], [{ image: 2 }, { text: 'with text' }]] },
  });
  const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  if (pictures instanceof UnusableRow || pictures === undefined) throw new Error('an example');
  expect(pictures.example.images).toHaveLength(3);
  expect(pictures.example.images[1]).toBe(digestOf(b));
  expect(pictures.images.map(({ sha256 }) => sha256)).toEqual(pictures.example.images);
  expect(chat).toMatchObject({ example: { candidates: [[{ text: 'see' }, { image: 1 }], [{ text: 'two' }]] } });
});

test('a missing file is a coded error, not a row', async () => {
  await expect(read([], join(folder, 'nowhere.jsonl'))).rejects.toMatchObject({ code: 'FILE_MISSING' });
});
