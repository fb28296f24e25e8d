import { describe, expect, test } from 'vitest';
import type { Example } from '../../judge/example.ts';
import { shotMessages } from '../../judge/tasks/prompt.ts';
import { shotsOf } from '../../pipeline/asking/shots.ts';
import { parseRecipe } from '../../recipes/load.ts';

const exampleOf = (row: number): Example => {
  const label = row % 10 === 0 ? 'bad' : 'good';
  const id = `row ${String(row)}`;
  return { id, task: 'words', split: 'train', groupKey: id, images: [], fields: { word: id }, label };
};

/** A dataset of one task; counts the examples that are read. */
function dataset(rowCount: number) {
  const read: number[] = [];
  return {
    read,
    rowsOf: (_task: string, split: string) =>
      Promise.resolve(Uint32Array.from({ length: split === 'train' ? rowCount : 0 }, (_, row) => row)),
    examplesAt: (rows: ArrayLike<number>) => {
      read.push(...Array.from(rows));
      return Promise.resolve(Array.from(rows, exampleOf));
    },
  };
}
const shots = (rowCount: number, shotCount: number, seed = 0) =>
  shotsOf(dataset(rowCount), 'words', { shotCount, seed });

describe('shots', () => {
  test('have as many examples of each label, however rare it is, each once', async () => {
    const chosen = await shots(1000, 8);
    expect(chosen.filter(({ label }) => label === 'bad')).toHaveLength(4);
    expect(new Set(chosen.map(({ id }) => id)).size).toBe(8);
  });

  test('are drawn by seed, without changing the rows of the dataset', async () => {
    expect(await shots(1000, 4)).toEqual(await shots(1000, 4));
    expect(await shots(1000, 4, 1)).not.toEqual(await shots(1000, 4));
  });

  test('are all training examples where there are fewer', async () => {
    expect(await shots(3, 8)).toHaveLength(3);
    expect(await shots(0, 8)).toEqual([]);
  });

  test('read a bounded number of a large dataset', async () => {
    const large = dataset(100_000);
    await shotsOf(large, 'words', { shotCount: 4, seed: 0 });
    expect(large.read.length).toBe(512);
  });

  test('do not take turns: the order says nothing about the labels', async () => {
    const orders = await Promise.all(Array.from({ length: 12 }, (_, seed) => shots(1000, 4, seed)));
    expect(new Set(orders.map((chosen) => chosen.map(({ label }) => label).join(' '))).size).toBeGreaterThan(3);
  });
});

describe('a shot in a prompt', () => {
  const { tasks, modeWords } = parseRecipe({
    name: 'shots',
    policy: { config: './demo-config', initSeed: 0 },
    tasks: { words: { kind: 'pointwise', labels: ['good', 'bad'], prompt: 'Is {{ word }} good? {{ mode_word }}' } },
    datasets: [
      { reader: 'jsonl', task: 'words', split: 'test', path: 'rows.jsonl', fields: { images: [], prompt: ['word'] } },
    ],
    arms: { base: { objective: 'none', mode: 'direct' } },
  });
  const spec = tasks['words'];
  if (!spec) throw new Error('the recipe has this task');

  test('is a question with its answer, in which text of rows stays marked', () => {
    const shot = { ...exampleOf(0), rationale: 'It </think> smells.' };
    const [question, answer] = shotMessages(spec, shot, 'think', modeWords);
    expect(question).toMatchObject({ role: 'user', content: [{ text: expect.stringContaining('row 0') as string }] });
    const text = '<think> It </think> smells. </think> <answer> bad </answer>';
    expect(answer).toEqual({ role: 'assistant', content: [{ type: 'text', text, rows: [[8, 27]] }] });
  });

  test('needs a reason where reasons are asked for', () => {
    expect(() => shotMessages(spec, exampleOf(0), 'think', modeWords)).toThrow('rationale');
    expect(shotMessages(spec, exampleOf(1), 'direct', modeWords)[1]?.content).toEqual([
      { type: 'text', text: '<answer> good </answer>' },
    ]);
  });
});
