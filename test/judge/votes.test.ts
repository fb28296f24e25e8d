/** Rows with votes of several people, as labelling tools and published sets write them. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { beforeAll, describe, expect, test } from 'vitest';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { labelledRows } from '../../judge/datasets/labelled-rows.ts';
import { localFiles } from '../../judge/datasets/sources/local-files.ts';
import { recipeOf, scores, words } from './voted-recipes.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtrl-votes-'));
});

interface Settings {
  readonly votes: unknown;
  readonly by?: object;
  readonly task?: object;
  /** Further fields of the dataset. */
  readonly more?: object;
}

/** Ids, labels, scores and votes of the examples; codes and reasons of the other rows. */
async function read(name: string, content: string | Uint8Array, { votes, by, task, more }: Settings) {
  const path = join(folder, name);
  await writeFile(path, content);
  const fields = { images: [], prompt: ['words'], votes };
  const recipe = recipeOf({ reader: name.split('.').at(-1), path, fields, ...(by && { votes: by }), ...more }, task);
  const { examples, quarantined, leftOut } = await ingestDatasets(recipe, { image: () => undefined });
  // What `score` compares verdicts with is the same.
  const labelled = await labelledRows(recipe, 'shows', localFiles);
  expect(labelled.rows.map(({ label, votes: given }) => [label, given])).toEqual(
    examples.map(({ label, votes: given }) => [label, given]),
  );
  expect(labelled).toMatchObject({ quarantined, leftOutCount: leftOut.length });
  const rejected = [...quarantined, ...leftOut].sort((a, b) => a.row - b.row);
  return {
    rows: examples.map(({ id, label, score, votes: given }) => [
      ...[id.split('/').at(-1), label, ...(score === undefined ? [] : [score])],
      Object.fromEntries((given ?? []).map(([vote, count]) => [String(vote), count])),
    ]),
    quarantined: rejected.map(({ row, code, reason }) => [row, code, reason]),
  };
}

const lines = (...rows: readonly object[]) => rows.map((row) => JSON.stringify({ words: 'w', ...row })).join('\n');

describe('votes are found in', () => {
  const threeOf = { yes: 2, no: 1 };
  test.each([
    ['a list', 'evals', { evals: ['yes', 'no', 'yes', null] }],
    ['an object with a vote a person', 'evals', { evals: { r1: 'yes', r7: 'no', r0: 'yes', r9: '' } }],
    ['columns', ['a', 'b', 'info.c'], { a: 'yes', b: 'no', info: { c: 'yes' } }],
    ['columns by a pattern', { columns: 'rater_*' }, { rater_10: 'yes', rater_2: 'yes', rater_3: 'no', rater_4: null }],
    ['counts', { counts: 'human' }, { human: { yes: 2, no: 1 } }],
    [
      'elements of a list',
      { list: 'annotations', vote: 'result.0.value.choices.0', where: { was_cancelled: { not: [true] } } },
      {
        annotations: ['yes', 'no', 'no', 'yes'].map((choice, i) => ({
          ...{ was_cancelled: i === 2, result: [{ value: { choices: [choice] } }] },
        })),
      },
    ],
  ])('%s', async (name, votes, row) => {
    const { rows, quarantined } = await read(`${name.replaceAll(' ', '-')}.jsonl`, lines({ id: 1, ...row }), { votes });
    expect(quarantined).toEqual([]);
    expect(rows).toEqual([['1', 'yes', threeOf]]);
  });

  test('adjacent rows of one id, of which rejected ones are left out', async () => {
    const text = [
      'HITId,words,vote,status',
      ...['h1,w,no,Approved', 'h1,w,yes,Approved', 'h1,w,no,Approved', 'h1,w,yes,Rejected', 'h2,w,yes,Approved'],
      ...['h3,w,yes,Approved', 'h3,w', 'h3,w,no,Approved', 'h3,w,no,Approved', 'h1,w,yes,Approved'],
    ].join('\n');
    const path = join(folder, 'assignments.csv');
    await writeFile(path, text);
    const fields = { id: 'HITId', images: [], prompt: ['words'], votes: { rows: 'vote' } };
    const recipe = recipeOf({ reader: 'csv', path, fields, where: { status: { not: ['Rejected'] } } });
    const { examples, quarantined, leftOut } = await ingestDatasets(recipe, { image: () => undefined });
    expect(examples.map(({ id, label, votes }) => [id, label, votes])).toEqual([
      [
        'shows/test/h1',
        'no',
        [
          ['no', 2],
          ['yes', 1],
        ],
      ],
      ['shows/test/h2', 'yes', [['yes', 1]]],
      [
        'shows/test/h3',
        'no',
        [
          ['yes', 1],
          ['no', 2],
        ],
      ],
    ]);
    expect(quarantined.map(({ row, code }) => [row, code])).toEqual([
      [8, 'ROW_UNREADABLE'],
      [11, 'DUPLICATE_ID'],
    ]);
    expect(leftOut.map(({ row }) => row)).toEqual([5]);
  });
});

describe('the label is', () => {
  const rows = lines(
    { id: 1, evals: ['no', 'yes', 'yes'] },
    { id: 2, evals: ['no', 'yes'] },
    { id: 3, evals: ['no', 'no'] },
    { id: 4, evals: [null] },
    { id: 5, evals: ['yes', 'perhaps'] },
    { id: 6, evals: 'yes' },
    { id: 7, evals: [['yes']] },
  );
  const broken = [
    [4, 'FIELD_MISSING', 'the row has no votes'],
    [5, 'LABEL_UNKNOWN', 'evals.1 is perhaps, not one of yes, no'],
    [6, 'FIELD_MISSING', 'evals is not a list or an object with votes'],
    [7, 'FIELD_MISSING', 'evals.0 is not text, a number, true or false'],
  ];

  test('the most common vote; a tie is quarantined with its votes', async () => {
    const found = await read('majority.jsonl', rows, { votes: 'evals' });
    expect(found.rows.map(([id, label]) => [id, label])).toEqual([
      ['1', 'yes'],
      ['3', 'no'],
    ]);
    expect(found.quarantined).toEqual([[2, 'VOTES_UNDECIDED', 'the votes are 1 no, 1 yes'], ...broken]);
  });

  test.each([
    ['left out', { undecided: 'leave-out' }, undefined, [2, 'LEFT_OUT', 'the votes are 1 no, 1 yes']],
    ['the vote that came first', { undecided: 'first' }, 'no', undefined],
    ['a label that the recipe names', { undecided: { label: 'yes' } }, 'yes', undefined],
    ['the first vote, whatever the others', { labelBy: 'first' }, 'no', undefined],
  ])('where the recipe says so, %s', async (name, by, label, rejected) => {
    const found = await read(`${name.replaceAll(' ', '-')}.jsonl`, rows, { votes: 'evals', by });
    expect(found.rows.find(([id]) => id === '2')?.[1]).toBe(label);
    expect(found.quarantined).toEqual([...(rejected === undefined ? [] : [rejected]), ...broken]);
  });

  test('the vote of all, or a field of its own beside the votes', async () => {
    const unanimous = await read('all.jsonl', rows, { votes: 'evals', by: { labelBy: 'unanimous' } });
    expect(unanimous.rows.map(([id]) => id)).toEqual(['3']);
    expect(unanimous.quarantined.slice(0, 2)).toEqual([
      [1, 'VOTES_UNDECIDED', 'the votes are 1 no, 2 yes'],
      [2, 'VOTES_UNDECIDED', 'the votes are 1 no, 1 yes'],
    ]);
    const own = lines({ id: 1, label: 'no', evals: ['yes', 'yes'] });
    const field = await read('own.jsonl', own, { votes: 'evals', by: { labelBy: 'field' } });
    expect(field.rows).toEqual([['1', 'no', { yes: 2 }]]);
  });

  test('made of values that a map or thresholds turn into labels, without those who abstain', async () => {
    const votes = lines({ id: 1, evals: ['y', 'n', 'n', 'unsure', 'unsure', 'unsure'] }, { id: 2, evals: ['unsure'] });
    const found = await read('mapped.jsonl', votes, {
      ...{ votes: 'evals', by: { abstentions: ['unsure'] }, more: { labelMap: { y: 'yes', n: 'no' } } },
    });
    expect(found.rows).toEqual([['1', 'no', { yes: 1, no: 2, null: 3 }]]);
    expect(found.quarantined).toEqual([[2, 'VOTES_UNDECIDED', 'the votes are 1 abstained']]);
    const labelThresholds = [
      { label: 'yes', from: 0.5 },
      { label: 'no', below: -0.5 },
    ];
    const ratings = lines({ id: 1, evals: [2, 3, -1, 0] });
    for (const [labelBy, expected] of [
      ['majority', ['1', 'yes']],
      ['mean', ['1', 'yes', 4 / 3]],
    ] as const) {
      const given = { votes: 'evals', by: { labelBy, abstentions: [0] }, more: { labelThresholds } };
      expect((await read(`rated-${labelBy}.jsonl`, ratings, given)).rows).toEqual([
        [...expected, { yes: 2, no: 1, null: 1 }],
      ]);
    }
  });

  test('of numbers their mean, at the nearest label; or the most common number', async () => {
    const rated = lines({ id: 1, evals: [5, 5, 3, 4, '4.0'] }, { id: 2, evals: [1, 1, 4] }, { id: 3, evals: [1, 7] });
    const mean = await read('mean.jsonl', rated, { votes: 'evals', by: { labelBy: 'mean' }, task: scores });
    expect(mean.rows).toEqual([
      ['1', '4', 4.2, { 3: 1, 4: 2, 5: 2 }],
      ['2', '2', 2, { 1: 2, 4: 1 }],
    ]);
    expect(mean.quarantined).toEqual([[3, 'LABEL_UNKNOWN', 'evals.1 is 7, not one of 1, 2, 3, 4, 5']]);
    // Thresholds are of another scale than the labels, in which the votes are kept.
    const labelThresholds = [
      { label: '1', below: 50 },
      { label: '5', from: 50 },
    ];
    const percent = lines({ id: 1, evals: [90, 80, 10] });
    for (const [labelBy, expected] of [
      ['majority', ['1', '5', 5]],
      ['mean', ['1', '5', 60]],
    ] as const) {
      const scaled = { votes: 'evals', by: { labelBy }, task: scores, more: { labelThresholds } };
      expect((await read(`scaled-${labelBy}.jsonl`, percent, scaled)).rows).toEqual([[...expected, { 5: 2, 1: 1 }]]);
    }
    const common = await read('common.jsonl', rated, { votes: 'evals', task: scores });
    expect(common.rows).toEqual([['2', '1', 1, { 1: 2, 4: 1 }]]);
  });
});

test('candidates in random order take the votes with them', async () => {
  const path = join(folder, 'pairs.jsonl');
  const rows = Array.from({ length: 20 }, (_, id) => ({
    id,
    a: 'good',
    b: 'bad',
    votes: ['first', 'first', 'second'],
  }));
  await writeFile(path, rows.map((row) => JSON.stringify(row)).join('\n'));
  const pair = { kind: 'pairwise', labels: ['first', 'second'], prompt: 'Which? {{ mode_word }}' };
  const fields = { images: [], candidates: ['a', 'b'], votes: 'votes' };
  const { examples } = await ingestDatasets(recipeOf({ path, fields, randomOrderSeed: 1 }, pair), {
    image: () => undefined,
  });
  expect(new Set(examples.map(({ label }) => label)).size).toBe(2);
  for (const { label, votes, candidates } of examples) {
    expect(candidates?.[label === 'first' ? 0 : 1]).toEqual([{ text: 'good' }]);
    expect(votes).toEqual([
      [label, 2],
      [label === 'first' ? 'second' : 'first', 1],
    ]);
  }
});

test('parquet reads the columns that only votes, slices, groups or left-out rows use', async () => {
  const columnData = [
    { name: 'id', data: ['1', '2', '3'] },
    { name: 'words', data: ['a', 'b', 'c'] },
    { name: 'rater_1', data: ['yes', 'no', 'no'] },
    { name: 'rater_2', data: ['yes', 'no', 'no'] },
    { name: 'topic', data: ['x', null, 'y'], nullable: true },
    { name: 'question', data: ['q', 'q', 'r'] },
    { name: 'status', data: ['ok', 'ok', 'rejected'] },
    { name: 'unused', data: ['-', '-', '-'] },
  ];
  const path = join(folder, 'votes.parquet');
  await writeFile(path, new Uint8Array(parquetWriteBuffer({ columnData })));
  const fields = { images: [], prompt: ['words'], votes: { columns: 'rater_*' } };
  const task = { ...words, slices: ['topic'], accPlusBy: 'question' };
  const recipe = recipeOf({ reader: 'parquet', path, fields, where: { status: { not: ['rejected'] } } }, task);
  const { examples, quarantined, leftOut } = await ingestDatasets(recipe, { image: () => undefined });
  expect(examples.map(({ label, attributes }) => [label, attributes])).toEqual([
    ['yes', { topic: 'x', question: 'q' }],
    ['no', { question: 'q' }],
  ]);
  expect(quarantined).toEqual([]);
  expect(leftOut.map(({ reason }) => reason)).toEqual(['status is rejected']);
});

test('a row without the group that acc+ needs is quarantined, and a long value stays short and its own', async () => {
  const long = 'a'.repeat(500);
  const rows = lines(
    { id: 1, label: 'yes', topic: `${long}1`, question: 'q' },
    { id: 2, label: 'no', topic: `${long}2`, question: 'q' },
    { id: 3, label: 'no' },
  );
  const path = join(folder, 'attributes.jsonl');
  await writeFile(path, rows);
  const task = { ...words, slices: ['topic'], accPlusBy: 'question' };
  const recipe = recipeOf({ path, fields: { images: [], prompt: ['words'] } }, task);
  const { examples, quarantined } = await ingestDatasets(recipe, { image: () => undefined });
  const topics = examples.map(({ attributes }) => attributes?.['topic'] ?? '');
  expect(new Set(topics).size).toBe(2);
  expect(Math.max(...topics.map(({ length }) => length))).toBeLessThan(140);
  expect(quarantined).toMatchObject([{ row: 3, code: 'FIELD_MISSING', reason: 'the row has no question' }]);
});

describe('the number of votes is bounded', () => {
  test('counts may be of any size, votes are at most 1,000, of 64 values', async () => {
    const real = { ...scores, real: true, labels: ['0', '100'] };
    const rows = lines(
      { id: 1, evals: Array.from({ length: 1001 }, () => 1) },
      { id: 2, evals: Array.from({ length: 65 }, (_, i) => i) },
      { id: 3, evals: Array.from({ length: 64 }, (_, i) => i) },
    );
    const found = await read('many.jsonl', rows, { votes: 'evals', by: { labelBy: 'mean' }, task: real });
    expect(found.rows.map(([id, label, score]) => [id, label, score])).toEqual([['3', '0', 31.5]]);
    expect(found.quarantined).toEqual([
      [1, 'LABEL_UNKNOWN', 'the row has more than 1000 votes'],
      [2, 'LABEL_UNKNOWN', 'the row has more than 64 different votes'],
    ]);
    const counted = lines(
      { id: 1, n: { yes: 1e6, no: 5 } },
      { id: 2, n: { yes: 0.5 } },
      { id: 3, n: { yes: 2, no: null } },
    );
    const counts = await read('counted.jsonl', counted, { votes: { counts: 'n' } });
    expect(counts.rows).toEqual([
      ['1', 'yes', { yes: 1e6, no: 5 }],
      ['3', 'yes', { yes: 2 }],
    ]);
    expect(counts.quarantined).toEqual([[2, 'LABEL_UNKNOWN', 'n.yes is 0.5, not a count']]);
  });

  test('rows of an item that are broken are entries of their own', async () => {
    const rows = [{ vote: 'yes' }, { vote: 'no', status: ['odd'] }, { vote: null }, { vote: 'yes' }, { vote: 'odd' }];
    const text = lines(...rows.map((row, i) => ({ ...row, id: i < 4 ? 1 : 2 })), { vote: 'yes' });
    const found = await read('broken-votes.jsonl', text, {
      ...{ votes: { rows: 'vote' }, more: { where: { status: { not: ['Rejected'] } } } },
    });
    expect(found.rows).toEqual([['1', 'yes', { yes: 2 }]]);
    expect(found.quarantined.sort()).toEqual([
      [2, 'FIELD_MISSING', 'status is not text, a number, true or false'],
      [5, 'LABEL_UNKNOWN', 'vote is odd, not one of yes, no'],
      [6, 'FIELD_MISSING', 'the row has no id'],
    ]);
    const mixed = lines(
      { id: 1, a: [{ v: 'yes' }, null, { v: null }] },
      { id: 2, a: [{ v: 'yes' }, 'no'] },
      { id: 3, a: [{ v: 'yes', was_cancelled: true }] },
    );
    const votes = { list: 'a', vote: 'v', where: { was_cancelled: { not: [true] } } };
    const elements = await read('elements.jsonl', mixed, { votes });
    expect(elements.rows).toEqual([['1', 'yes', { yes: 1 }]]);
    expect(elements.quarantined).toEqual([
      [2, 'FIELD_MISSING', 'a.1 is not an object with a vote'],
      [3, 'LEFT_OUT', 'a.0.was_cancelled is true'],
    ]);
  });

  test('a file whose rows all have one id is one broken row', async () => {
    const rows = [0, ...Array.from({ length: 3000 }, () => 1)].map((id) => ({ id, vote: 'yes' }));
    const found = await read('one-id.jsonl', lines(...rows), { votes: { rows: 'vote' } });
    expect(found.rows).toEqual([['0', 'yes', { yes: 1 }]]);
    expect(found.quarantined).toEqual([[2, 'LABEL_UNKNOWN', 'the row has more than 1000 votes']]);
  });
});
