/** Rows of recipes/real-text.yaml against rows that others derived from the same lexicon (../shared/data/vader). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type RatedWord, judgedRows, ratedWords, rowsOf, splitOf } from '../../bench/real-text-data.ts';
import { required } from '../../core/assert.ts';
import { needSharedData } from '../support/needs.ts';

const { found: shared, isMissing } = needSharedData('vader');
interface Mean {
  readonly mean: number;
}
const splits = ['train', 'val', 'test'] as const;

const rowsIn = (name: string): RatedWord[] =>
  readFileSync(join(required(shared, 'data'), 'vader', `${name}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as RatedWord);

describe.skipIf(isMissing).each(splits)('%s', (split) => {
  test('words are in the same split, with the same labels', () => {
    const words = rowsIn(`intensity.${split}`).map(({ id, word, ratings, stem }) => ({ id, word, ratings, stem }));
    expect(words.filter((word) => splitOf(word) !== split)).toEqual([]);
    const { polarity, agreement, intensity } = judgedRows(words);
    expect(polarity).toEqual(rowsIn(`polarity.${split}`));
    expect(agreement).toEqual(rowsIn(`agreement.${split}`));
    const means = rowsIn(`intensity.${split}`).map((row) => (row as RatedWord & Mean).mean);
    const others = (intensity as unknown as (RatedWord & Mean)[]).filter(({ mean }, i) => mean !== means[i]);
    // The lexicon's own mean of this word is not that of its ratings.
    expect(others.map(({ word }) => word)).toEqual(split === 'train' ? ['lmfao'] : []);
  });
});

test('a lexicon gives words of letters with ten ratings; pairs are in both orders, and no word of train', () => {
  const spell = (i: number): string => String.fromCharCode(97 + (i % 26), 97 + (Math.floor(i / 26) % 26), 97 + (i % 7));
  const lines = Array.from({ length: 600 }, (_, i) => {
    const ratings = Array.from({ length: 10 }, (__, k) => ((i * 3 + (k % 2)) % 9) - 4);
    return `${spell(i)}\t0\t0\t[${ratings.join(', ')}]`;
  });
  const words = ratedWords([':-)\t2\t1\t[1, 2]', 'ok\t2\t1\t[1, 2]', ...lines, lines[0]].join('\n'));
  expect(words).toHaveLength(600);
  const tables = rowsOf(words);
  const trained = new Set(required(tables['intensity.train'], 'train').map(({ word }) => word));
  const pairs = required(tables['pairs.test'], 'pairs') as {
    id: string;
    word_0: string;
    word_1: string;
    label: string;
  }[];
  expect(pairs).toHaveLength(400);
  expect(pairs.filter(({ word_0: a, word_1: b }) => trained.has(a) || trained.has(b))).toEqual([]);
  const labels = new Map(pairs.map(({ id, label }) => [id, label]));
  for (const { word_0: a, word_1: b, label } of pairs)
    expect([label, labels.get(`${b}|${a}`)].sort()).toEqual(['first', 'second']);
});
