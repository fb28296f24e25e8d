/** `mtrl init` on rows with the votes of several people: the recipe reads them, and is ingested unchanged. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ingestRecipe, initJson } from './run-init.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'mtrl-init-votes-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

let count = 0;

async function made(rows: readonly object[], ...options: string[]) {
  const data = path.join(folder, `rows-${++count}.jsonl`);
  writeFileSync(data, rows.map((row) => JSON.stringify(row)).join('\n'));
  const recipe = path.join(folder, `recipe-${count}.yaml`);
  const { tables } = await initJson([data, '--to', recipe, ...options]);
  return { task: tables[0]?.task, text: readFileSync(recipe, 'utf8'), ...(await ingestRecipe(recipe)) };
}

const rowsOf = <T extends object>(rowCount: number, row: (i: number) => T): T[] =>
  Array.from({ length: rowCount }, (_, i) => row(i));
const says = (isYes: boolean): string => (isYes ? 'yes' : 'no');
const majority = { kind: 'pointwise', label: null, labels: ['yes', 'no'] };

test('a column an annotator, by number: the most common vote is the label', async () => {
  const { task, examples, quarantined, text } = await made(
    rowsOf(40, (i) => ({
      ...{ review: `what is said of thing ${i}`, rater_1: says(i % 2 === 0), rater_2: says(i % 2 === 0) },
      rater_3: says(i % 3 === 0),
    })),
  );
  const where = ['rater_1', 'rater_2', 'rater_3'];
  expect(task).toMatchObject({ ...majority, readVotes: { where, labelBy: 'majority' }, promptFields: ['review'] });
  expect([examples.length, quarantined.length]).toEqual([40, 0]);
  expect(examples.every(({ label }, i) => label === says(i % 2 === 0))).toBe(true);
  expect(examples[0]?.votes).toEqual([['yes', 3]]);
  expect(text).toContain('`rater_*` holds verdicts in 3 columns, which make the label');
});

test('a column an annotator, by name, go before criteria', async () => {
  const { task, examples } = await made(
    rowsOf(30, (i) => ({
      ...{ text: `a text, number ${i}`, annotator_anna: says(i % 2 === 0), annotator_ben: says(i % 2 === 0) },
      annotator_cleo: says(true),
    })),
  );
  const where = ['annotator_anna', 'annotator_ben', 'annotator_cleo'];
  expect(task).toMatchObject({ ...majority, readVotes: { where, labelBy: 'majority' } });
  expect(examples).toHaveLength(30);
});

test('a list of ratings without a label: their mean is the score', async () => {
  const { task, examples } = await made(
    rowsOf(30, (i) => ({ text: `a text, number ${i}`, ratings: [1 + (i % 5), 3, 5] })),
  );
  expect(task).toMatchObject({ kind: 'score', label: null, readVotes: { where: 'ratings', labelBy: 'mean' } });
  expect(examples[0]?.score).toBe(3);
  expect(examples[1]?.score).toBeCloseTo(10 / 3, 9);
});

test('a list of votes beside a label is read for the agreement; other values are not votes on it', async () => {
  const row = (i: number) => ({
    text: `a text, number ${i}`,
    label: i % 2,
    votes: [i % 2, i % 2, i === 4 ? 'unsure' : 1],
  });
  const read = await made(rowsOf(30, row));
  expect(read.task).toMatchObject({ label: 'label', readVotes: { where: 'votes', labelBy: 'field' } });
  expect(read.examples.map(({ votes }) => votes?.length)).toContain(2);
  expect(read.examples[4]?.votes).toEqual([
    ['no', 2],
    [null, 1],
  ]);
  expect(read.text).toContain('abstentions: [unsure]');
  const other = await made(rowsOf(30, (i) => ({ ...row(i), votes: ['good', 'bad'] })));
  expect(other.task).toMatchObject({ label: 'label', readVotes: null });
  expect(other.text).toContain('which are not read: they are no values of the label');
});

test('a list that the user names as the label', async () => {
  const row = (i: number) => ({
    text: `a text, number ${i}`,
    label: i % 2,
    votes: ['good', i % 2 === 0 ? 'bad' : 'good', 'bad'],
  });
  const { task } = await made(rowsOf(30, row), '--label', 'votes');
  expect(task).toMatchObject({ label: null, labels: ['good', 'bad'], readVotes: { labelBy: 'majority' } });
});

test('votes on pairs are places, and follow the candidates when their order is drawn', async () => {
  const { task, examples, quarantined } = await made(
    rowsOf(30, (i) => ({
      ...{ question: `q ${i}?`, answer_a: `good ${i}`, answer_b: `bad ${i}` },
      votes: ['A', 'A', 'B'],
    })),
  );
  expect(task).toMatchObject({ kind: 'pairwise', label: null, labelMap: { A: 'first', B: 'second' } });
  expect([examples.length, quarantined.length]).toEqual([30, 0]);
  const better = examples.map(({ candidates, label }) => JSON.stringify(candidates?.[label === 'first' ? 0 : 1]));
  expect(better.every((text) => text.includes('good'))).toBe(true);
});

test('annotations of a tool, without those that were cancelled', async () => {
  const annotation = (choice: string, isCancelled = false) => ({
    ...{ was_cancelled: isCancelled, result: [{ value: { choices: [choice] } }] },
  });
  const { task, examples } = await made(
    rowsOf(30, (i) => ({
      data: { text: `a text, number ${i}` },
      annotations: [annotation(says(i % 2 === 0)), annotation('no', true), annotation('no', true)],
    })),
  );
  const where = { list: 'annotations', vote: 'result.0.value.choices.0', where: { was_cancelled: { not: [true] } } };
  expect(task).toMatchObject({ ...majority, readVotes: { where } });
  expect(examples.filter(({ label }) => label === 'yes')).toHaveLength(15);
});

const mturk = rowsOf(60, (i) => ({
  ...{ HITId: `hit-${Math.floor(i / 3)}`, WorkerId: `w${i % 4}`, text: `item, number ${Math.floor(i / 3)}` },
  answer: says(i % 3 < 2 === (Math.floor(i / 3) % 2 === 0)),
}));

test('a row for each person: adjacent rows of an item are one example', async () => {
  const { task, examples, quarantined, text } = await made(mturk);
  expect(task).toMatchObject({
    label: null,
    id: 'HITId',
    readVotes: { where: { rows: 'answer' }, labelBy: 'majority' },
  });
  expect([examples.length, quarantined.length]).toEqual([20, 0]);
  expect(examples.map(({ label }) => label)).toEqual(rowsOf(20, () => ({})).map((_, i) => says(i % 2 === 0)));
  expect(text).toContain('# The rows of the same `HITId` are one example.');
});

test('rows of an item that are not adjacent are read one by one, and the recipe says how to join them', async () => {
  const { task, examples, text } = await made([...mturk].sort((a, b) => (a.WorkerId < b.WorkerId ? -1 : 1)));
  expect(task).toMatchObject({ label: 'answer', readVotes: null });
  expect(examples).toHaveLength(60);
  expect(text.replaceAll(/\s*\n\s*# /g, ' ')).toContain('sort the file by `HITId`');
});
