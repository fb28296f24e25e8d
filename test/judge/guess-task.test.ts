/** What is guessed of small files of each kind: the task a person would declare, or the reason why there is none. */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import {
  type Choices,
  type GuessedTask,
  guessTask,
  possibleKinds,
} from '../../judge/datasets/inspection/guesses/guess-task.ts';
import { inspectData } from '../../judge/datasets/inspection/facts/inspect-data.ts';
import type { Seen } from '../../judge/datasets/inspection/guesses/task-guess.ts';
import { localFiles } from '../../judge/datasets/sources/local-files.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'mtrl-guess-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

type Row = Readonly<Record<string, unknown>>;
let fileCount = 0;

async function seen(rows: readonly Row[], name = `rows-${fileCount++}.jsonl`): Promise<Seen> {
  const file = path.join(folder, name);
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  const [table] = await inspectData(localFiles, [file]);
  if (table === undefined) throw new Error('no table');
  return table;
}

const guessed = async (rows: readonly Row[], choices: Choices = {}): Promise<GuessedTask> =>
  guessTask(await seen(rows), choices);

const rowsOf = (count: number, row: (i: number) => Row): Row[] => Array.from({ length: count }, (_, i) => row(i));
const text = (i: number): string => `what is said in row ${i}, at some length`;

async function writePictures(place: string, names: readonly string[]): Promise<void> {
  mkdirSync(path.join(folder, place), { recursive: true });
  const picture = { create: { width: 20, height: 10, channels: 3, background: '#123456' } } as const;
  for (const name of names) writeFileSync(path.join(folder, place, name), await sharp(picture).png().toBuffer());
}

describe('pointwise', () => {
  test('true and false become yes and no; the text is the prompt, other columns are not shown', async () => {
    const { guess, fields, keys } = await guessed(
      rowsOf(12, (i) => ({
        id: `r${i}`,
        comment_text: text(i),
        toxic_share: i / 12,
        toxic: i % 3 === 0,
        source: 'forum',
      })),
    );
    expect(guess).toMatchObject({ kind: 'pointwise', label: 'toxic', labels: ['yes', 'no'] });
    expect(guess.labelMap).toEqual({ true: 'yes', false: 'no' });
    expect(fields.fields).toEqual(['comment_text']);
    expect(keys.id).toBe('id');
  });

  test('values that differ in case and spaces are one label; skipped rows are left out', async () => {
    const values = ['Good', 'good ', 'BAD', 'bad', 'skip', 'good'];
    const { guess } = await guessed(rowsOf(18, (i) => ({ text: text(i), label: values[i % 6] })));
    expect(guess.labels).toEqual(['good', 'bad'].map((name) => expect.stringMatching(new RegExp(name, 'i')) as string));
    expect(guess.leaveOut).toEqual({ label: ['skip'] });
    const [good = ''] = guess.labels;
    expect(guess.labelMap).toMatchObject({ Good: good, 'good ': good, good });
  });

  test('labels that no answer can carry get words that one can', async () => {
    const { guess } = await guessed(
      rowsOf(8, (i) => ({ text: text(i), label: i % 2 === 0 ? '<b>yes</b>\n' : '\u001b[31m' })),
    );
    expect(guess.labels).toHaveLength(2);
    for (const label of guess.labels) expect(label).toMatch(/^[^<>\p{Cc}]+$/u);
    expect(Object.values(guess.labelMap ?? {}).sort()).toEqual([...guess.labels].sort());
  });

  test('a column named label wins over others with few values', async () => {
    const { guess } = await guessed(
      rowsOf(20, (i) => ({ topic: ['a', 'b'][i % 2], question: text(i), label: ['x', 'y', 'z'][i % 3] })),
    );
    expect(guess).toMatchObject({ label: 'label', labels: expect.arrayContaining(['x', 'y', 'z']) as string[] });
  });
});

describe('score', () => {
  test('fractions get round labels that contain them, and any number between is a verdict', async () => {
    const { guess } = await guessed(rowsOf(40, (i) => ({ caption: text(i), mos: 1.2 + (i * 3.5) / 40 })));
    expect(guess).toMatchObject({ kind: 'score', label: 'mos', labels: ['1', '2', '3', '4', '5'], real: true });
  });

  test('fractions from 0 to 1 get steps of a tenth', async () => {
    const { guess } = await guessed(rowsOf(40, (i) => ({ caption: text(i), score: i / 39 })));
    expect(guess.labels).toEqual(['0.0', '0.1', '0.2', '0.3', '0.4', '0.5', '0.6', '0.7', '0.8', '0.9', '1.0']);
  });

  test('ratings from 1 to 5 are ordinal labels, also those that no row has', async () => {
    const { guess } = await guessed(rowsOf(20, (i) => ({ review: text(i), rating: [1, 2, 5][i % 3] })));
    expect(guess).toMatchObject({ kind: 'score', labels: ['1', '2', '3', '4', '5'] });
    expect(guess.real).toBeUndefined();
  });

  test('a count of votes beside a label is no label', async () => {
    const { guess } = await guessed(rowsOf(30, (i) => ({ text: text(i), n_votes: i, label: i % 2 })));
    expect(guess).toMatchObject({ kind: 'pointwise', label: 'label' });
  });
});

describe('pairwise', () => {
  test('chosen and rejected: the first is better by their names, in an order drawn by seed', async () => {
    const { guess, fields } = await guessed(
      rowsOf(10, (i) => ({
        prompt: text(i),
        chosen: `a good answer ${i}`,
        rejected: `a bad answer ${i}`,
        chosen_model: 'm',
      })),
    );
    expect(guess).toMatchObject({
      kind: 'pairwise',
      label: { always: 'first' },
      candidates: ['chosen', 'rejected'],
      randomOrderSeed: 0,
    });
    expect(fields.fields).toEqual(['prompt']);
  });

  test('model_a, model_b and tie of a winner column', async () => {
    const { guess } = await guessed(
      rowsOf(12, (i) => ({
        ...{ question: text(i), model_a: 'gpt', model_b: 'claude', response_a: `one ${i}`, response_b: `two ${i}` },
        winner: ['model_a', 'model_b', 'tie'][i % 3],
      })),
    );
    expect(guess).toMatchObject({
      candidates: ['response_a', 'response_b'],
      label: 'winner',
      labels: ['first', 'second', 'tie'],
    });
    expect(guess.labelMap).toEqual({ model_a: 'first', model_b: 'second', tie: 'tie' });
  });

  test('votes for the left, the right, both and neither of two files that are not there', async () => {
    const votes = ['leftvote', 'rightvote', 'tievote', 'bothbad_vote'];
    const { guess } = await guessed(
      rowsOf(12, (i) => ({
        prompt: text(i),
        left_image: `l${i}.png`,
        right_image: `r${i}.png`,
        human_vote: votes[i % 4],
      })),
    );
    expect(guess).toMatchObject({
      ...{ kind: 'pairwise', label: 'human_vote', labels: ['first', 'second', 'both-good', 'both-bad'] },
      labelMap: { leftvote: 'first', rightvote: 'second', tievote: 'both-good', bothbad_vote: 'both-bad' },
    });
  });

  test('a score for each: the greater wins, also where each alone could be read as a place', async () => {
    const { guess } = await guessed(
      rowsOf(12, (i) => ({ caption_0: `left ${i}`, caption_1: `right ${i}`, label_0: i % 2, label_1: 1 - (i % 2) })),
    );
    expect(guess.label).toEqual({ greaterOf: ['label_0', 'label_1'] });
  });

  test('1 and 2 count from one; 0, 1 and 2 are said to be open', async () => {
    const rows = (values: readonly number[]) =>
      rowsOf(12, (i) => ({ answer_1: `one ${i}`, answer_2: `two ${i}`, preference: values[i % values.length] }));
    const two = await guessed(rows([1, 2]));
    expect(two.guess.labelMap).toEqual({ 1: 'first', 2: 'second' });
    const three = await guessed(rows([0, 1, 2]));
    expect(three.guess.labelMap).toEqual({ 0: 'tie', 1: 'first', 2: 'second' });
    expect(three.guess.notes.join()).toContain('check it');
  });

  test('pictures that are there are images; missing ones leave their names, and a note says what to do', async () => {
    const names = ['a.png', 'b.png', 'c.png', 'd.png', 'e.png', 'f.png'];
    await writePictures('images', names);
    const rows = (list: readonly string[]) =>
      rowsOf(6, (i) => ({ image_0: list[i], image_1: list[(i + 1) % 6], label: i % 2 }));
    const shown = await guessed(rows(names));
    expect(shown.guess).toMatchObject({ kind: 'pairwise', images: ['image_0', 'image_1'] });
    expect(shown.guess.candidates).toBeUndefined();
    expect(shown.seen.pictures.folder).toBe(path.join(folder, 'images'));
    expect(shown.seen.pictures.edgeMax).toBe(20);
    const absent = await guessed(rows(names.map((name) => `gone/${name}`)));
    expect(absent.guess).toMatchObject({ kind: 'pairwise', images: [], candidates: ['image_0', 'image_1'] });
    expect(absent.guess.notes.join()).toContain('imageFolder');
  });
});

describe('choice, ranking, criteria', () => {
  test('a list of options and the index of the best', async () => {
    const { guess } = await guessed(
      rowsOf(12, (i) => ({
        question: text(i),
        options: ['one', 'two', 'three', 'four'].map((word) => `${word} ${i}`),
        answer: i % 4,
      })),
    );
    expect(guess).toMatchObject({
      kind: 'choice',
      label: 'answer',
      labels: ['A', 'B', 'C', 'D'],
      candidates: { list: 'options' },
    });
    expect(guess.labelMap).toEqual({ 0: 'A', 1: 'B', 2: 'C', 3: 'D' });
  });

  test('columns of options and a letter', async () => {
    const { guess } = await guessed(
      rowsOf(12, (i) => ({
        question: text(i),
        option_a: `1 ${i}x`,
        option_b: `2 ${i}x`,
        option_c: `3 ${i}x`,
        answer: 'ABC'[i % 3],
      })),
    );
    expect(guess).toMatchObject({
      kind: 'choice',
      labels: ['A', 'B', 'C'],
      candidates: ['option_a', 'option_b', 'option_c'],
    });
    expect(guess.labelMap).toBeUndefined();
  });

  test('a list of texts and a list of ranks without ties', async () => {
    const { guess } = await guessed(
      rowsOf(12, (i) => ({
        prompt: text(i),
        generations: [`a ${i}`, `b ${i}`, `c ${i}`],
        ranking: [
          [1, 2, 3],
          [3, 1, 2],
        ][i % 2],
      })),
    );
    expect(guess).toMatchObject({ kind: 'ranking', label: { lesserOf: 'ranking' }, labels: ['A', 'B', 'C'] });
  });

  test('ranks with ties are read as pairs', async () => {
    const { guess } = await guessed(
      rowsOf(12, (i) => ({ prompt: text(i), generations: [`a ${i}`, `b ${i}`, `c ${i}`], ranking: [1, 1, 2] })),
    );
    expect(guess).toMatchObject({
      kind: 'pairwise',
      ranking: { to: 'pairs' },
      label: { lesserOf: ['rank_0', 'rank_1'] },
    });
  });

  test('several columns of the same ratings, none of them the label by its name', async () => {
    const { guess } = await guessed(
      rowsOf(24, (i) => ({ response: text(i), clarity: i % 5, depth: (i + 2) % 5, tone: (i * 2) % 5 })),
    );
    expect(guess).toMatchObject({
      kind: 'criteria',
      criteria: { clarity: null, depth: null, tone: null },
      labels: ['0', '1', '2', '3', '4'],
    });
  });
});

describe('votes, groups, splits', () => {
  test('ratings in a list are said; the mean is the label', async () => {
    const { guess, votes } = await guessed(
      rowsOf(30, (i) => ({ word: `w${i}x`, ratings: [1, 2, i % 4], mean: 1 + (i % 4) / 3 })),
    );
    expect(guess.label).toBe('mean');
    expect(votes).toEqual([{ column: 'ratings', found: '3 verdicts a row (from 0 to 3)', where: 'ratings' }]);
  });

  test('without another label, the most common of several verdicts is it', async () => {
    const { guess } = await guessed(
      rowsOf(12, (i) => ({ text: text(i), annotations: [['good', 'bad'][i % 2], 'good'] })),
    );
    expect(guess).toMatchObject({ kind: 'pointwise', label: undefined, votes: { where: 'annotations' } });
    expect(guess.notes.join()).toContain('the most common one is the label');
  });

  test('places without the things that are compared are said, and are labels like others', async () => {
    const votes = ['leftvote', 'rightvote', 'tievote', 'bothbad_vote'];
    const { guess } = await guessed(rowsOf(40, (i) => ({ prompt: text(i), human_vote: votes[i % 4] })));
    expect(guess).toMatchObject({ kind: 'pointwise', label: 'human_vote' });
    expect(guess.notes.join()).toContain('Two things are compared, which the rows do not hold');
    const { guess: other } = await guessed(
      rowsOf(40, (i) => ({ prompt: text(i), human_vote: ['good', 'bad'][i % 2] })),
    );
    expect(other.notes.join()).not.toContain('compared');
  });

  test('a repeated question ties its rows; an id that repeats is not the id', async () => {
    const { keys } = await guessed(
      rowsOf(60, (i) => ({ id: i % 30, question: text(i % 30), answer_text: text(i), label: i % 2 })),
    );
    expect(keys).toMatchObject({ id: '__key__', group: 'id' });
    const other = await guessed(rowsOf(60, (i) => ({ question: text(i % 30), answer: text(i), label: i % 2 })));
    expect(other.keys.group).toBe('question');
  });

  test('a column that names the split parts the rows', async () => {
    const { splits } = await guessed(
      rowsOf(30, (i) => ({ text: text(i), label: i % 2, split: ['train', 'train', 'test'][i % 3] })),
    );
    expect(splits.sources.map(({ split, leaveOut }) => [split, leaveOut])).toEqual([
      ['train', { split: ['test'] }],
      ['test', { split: ['train'] }],
    ]);
  });

  test('files named train and val: val is the test, which is said', async () => {
    const rows = rowsOf(20, (i) => ({ text: text(i), label: i % 2 }));
    for (const split of ['train', 'val']) await seen(rows, `named.${split}.jsonl`);
    const files = ['train', 'val'].map((split) => path.join(folder, `named.${split}.jsonl`));
    const tables = await inspectData(localFiles, files);
    expect(tables).toHaveLength(1);
    const [table] = tables;
    if (table === undefined) throw new Error('no table');
    const { splits } = guessTask(table, {});
    expect(splits.sources.map(({ split }) => split)).toEqual(['train', 'test']);
    expect(splits.notes.join()).toContain('There is no test');
  });
});

describe('what the user says', () => {
  test('another label, another kind, and what cannot be', async () => {
    const table = await seen(rowsOf(20, (i) => ({ text: text(i), label: i % 2, stars: 1 + (i % 5) })));
    expect(guessTask(table, { label: 'stars' }).guess).toMatchObject({ kind: 'score', label: 'stars' });
    expect(guessTask(table, { label: 'stars', kind: 'pointwise' }).guess.labels).toEqual(['1', '2', '3', '4', '5']);
    expect(possibleKinds(table, 'stars')).toEqual(['pointwise', 'score']);
    expect(() => guessTask(table, { kind: 'pairwise' })).toThrow('cannot be a pairwise task');
    expect(() => guessTask(table, { label: 'star' })).toThrow('there is no column star');
  });

  test('a question takes the place of the guessed one', async () => {
    const rows = rowsOf(8, (i) => ({ text: text(i), label: i % 2 }));
    const { prompt } = await guessed(rows, { question: 'Is it polite, yes or no?' });
    expect(prompt).toBe('{{ text }}\nIs it polite, yes or no? {{ mode_word }}');
  });
});

describe('nothing to guess', () => {
  test('no possible label: the columns are listed, and what a label needs', async () => {
    const table = await seen(rowsOf(30, (i) => ({ id: i, text: text(i) })));
    expect(() => guessTask(table, {})).toThrow(
      expect.objectContaining({
        code: 'NOT_FOUND',
        details: expect.objectContaining({
          found: expect.stringContaining('text (text, 30 values)') as string,
        }) as object,
      }),
    );
  });

  test('nothing to show to a judge', async () => {
    const table = await seen(rowsOf(30, (i) => ({ id: i, label: i % 2 })));
    expect(() => guessTask(table, {})).toThrow('nothing to show');
  });
});
