/**
 * `mtrl init` on every file of ../shared/data beside the checkout: the recipe that it writes is ingested unchanged, with
 * the label and the kind that a person would choose. Skipped with a reason where the data is missing.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { needSharedData } from '../support/needs.ts';
import { ingestRecipe, initJson, runInit } from './run-init.ts';

const folders = ['cue-conflict', 'nlvr', 'format-fixtures', 'judge-benchmarks', 'text-label-sets', 'vader'];
const { found: data = '', isMissing } = needSharedData(...folders);

const out = mkdtempSync(path.join(tmpdir(), 'mtrl-init-data-'));
afterAll(() => {
  rmSync(out, { recursive: true, force: true });
});

const truth = { kind: 'pointwise', labels: ['yes', 'no'] };
const pair = { kind: 'pairwise', labels: ['first', 'second'] };
const better = { kind: 'pairwise', label: { always: 'first' }, candidates: ['chosen', 'rejected'] };
const intensity = { kind: 'score', label: 'mean', labels: ['-4', '-3', '-2', '-1', '0', '1', '2', '3', '4'] };

/** The label is in another column, and the votes are for the agreement. */
const beside = (column: string) => ({ votes: [{ column }], readVotes: { where: column, labelBy: 'field' } });

/** File -> what is guessed of it. */
const expected: Readonly<Record<string, object>> = {
  ...Object.fromEntries(
    [
      'clarity.train',
      'clarity.val',
      'pointwise.train',
      'pointwise.val',
      'pointwise.ood_edges',
      'pointwise.ood_silhouettes',
    ].map((name) => [
      `cue-conflict/judgments/${name}.jsonl`,
      { ...truth, label: 'label', images: ['image'], promptFields: ['statement'] },
    ]),
  ),
  ...Object.fromEntries(
    ['train', 'val', 'ood_edges', 'ood_silhouettes'].map((name) => [
      `cue-conflict/judgments/pairwise.${name}.jsonl`,
      {
        ...pair,
        label: { greaterOf: ['label_0', 'label_1'] },
        images: ['image_0', 'image_1'],
        promptFields: ['caption'],
      },
    ]),
  ),
  // What people say goes before what the picture was made of.
  'cue-conflict/votes.jsonl': {
    ...{ kind: 'pointwise', label: null, votes: [{ column: 'human_votes' }] },
    readVotes: { where: { counts: 'human_votes' }, labelBy: 'majority' },
  },
  'nlvr/train1000.jsonl': {
    ...truth,
    label: 'label',
    images: ['images'],
    promptFields: ['sentence'],
    group: 'sentence',
  },
  'nlvr/dev.jsonl': { ...truth, label: 'label', images: ['images'], group: 'sentence', ...beside('evals') },
  'format-fixtures/easyr1_images_list.parquet': {
    ...truth,
    label: 'answer',
    images: ['images'],
    promptFields: ['problem'],
  },
  'format-fixtures/hf_image_pointwise.parquet': { ...truth, label: 'label', images: ['image'], promptFields: ['text'] },
  'format-fixtures/mjbench_pairwise.parquet': {
    ...pair,
    label: 'label',
    labelMap: { 0: 'first' },
    images: ['image0', 'image1'],
  },
  'format-fixtures/pickapic_binary_cols.parquet': {
    ...pair,
    label: { greaterOf: ['label_0', 'label_1'] },
    images: ['jpg_0', 'jpg_1'],
  },
  'format-fixtures/webdataset-000000.tar': { ...truth, label: 'label', images: ['png'], promptFields: ['text'] },
  'judge-benchmarks/edit-reward.json': {
    ...{
      ...pair,
      label: { greaterOf: ['model1_overall_score', 'model2_overall_score'] },
      candidates: ['path1', 'path2'],
    },
    promptFields: ['prompt'],
  },
  // Without columns for the two pictures, a vote on them is one of four labels.
  'judge-benchmarks/genai-bench.image-edition.jsonl': {
    kind: 'pointwise',
    label: 'human_vote',
    votes: [{ column: 'judges' }],
  },
  'judge-benchmarks/genai-bench.image-generation.jsonl': {
    kind: 'pointwise',
    label: 'human_vote',
    promptFields: ['prompt'],
    votes: [{ column: 'judges' }],
  },
  'judge-benchmarks/mm-rlhf-rewardbench.jsonl': { ...better, group: 'id', promptFields: ['prompt'] },
  'judge-benchmarks/vl-rewardbench.jsonl': { ...better, group: 'id', promptFields: ['prompt'] },
  'judge-benchmarks/video-align.csv': { kind: 'criteria', label: { criteria: { VQ: 'VQ', MQ: 'MQ', TA: 'TA' } } },
  'text-label-sets/cxc_sits_val_head5000.csv': {
    kind: 'score',
    label: 'agg_score',
    labels: ['0', '1', '2', '3', '4', '5'],
    group: 'image',
  },
  'text-label-sets/imagereward_test.json': {
    ...pair,
    label: { lesserOf: ['rank_0', 'rank_1'] },
    ranking: { ranks: 'ranking' },
    group: 'prompt',
  },
  'text-label-sets/mjbench_alignment_labels.jsonl': {
    ...pair,
    label: 'label',
    labelMap: { 0: 'first', 1: 'second' },
    promptFields: ['caption'],
  },
  'text-label-sets/tifa_human_annotations.json': {
    kind: 'score',
    label: 'human_avg',
    group: 'text_id',
    ...beside('human_scores'),
  },
  ...Object.fromEntries(
    ['train', 'val', 'test'].flatMap((split) => [
      [
        `vader/agreement.${split}.jsonl`,
        { ...truth, label: 'label', promptFields: ['word'], group: 'stem', votes: [{ column: 'ratings' }] },
      ],
      [
        `vader/polarity.${split}.jsonl`,
        { kind: 'pointwise', label: 'label', group: 'stem', votes: [{ column: 'ratings' }] },
      ],
      [`vader/intensity.${split}.jsonl`, { ...intensity, promptFields: ['word'], group: 'stem', ...beside('ratings') }],
    ]),
  ),
  ...Object.fromEntries(
    ['val', 'test'].map((split) => [
      `vader/pairs.${split}.jsonl`,
      { ...pair, label: 'label', candidates: ['word_0', 'word_1'] },
    ]),
  ),
};

let count = 0;
const recipePath = (): string => path.join(out, `recipe-${count++}.yaml`);

describe.skipIf(isMissing)('mtrl init', () => {
  test('the table above has every data file', () => {
    const files = folders.flatMap((folder) =>
      readdirSync(path.join(data, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
    );
    const rows = files.filter((name) => /\.(jsonl|json|csv|parquet|tar)$/.test(name));
    expect(rows.sort()).toEqual(Object.keys(expected).sort());
  });

  test.each(Object.entries(expected))(
    '%s: the guess of a person, and a recipe that is ingested',
    async (name, guess) => {
      const recipe = recipePath();
      const [table] = (await initJson([path.join(data, name), '--to', recipe])).tables;
      const { votes = [], readVotes = null } = guess as { votes?: readonly object[]; readVotes?: object };
      expect(table?.task).toMatchObject({
        ...{ ...guess, readVotes },
        votes: votes.map((vote) => expect.objectContaining(vote) as object),
      });
      const { examples, quarantined, leftOut, parsed } = await ingestRecipe(recipe);
      expect(quarantined).toEqual([]);
      const [rows, rowCount] = [table?.rowCount ?? 0, examples.length + leftOut.length];
      expect(rowCount).toBeGreaterThanOrEqual(rows);
      if (table?.task?.ranking === null) expect(rowCount).toBe(rows);
      // Rows whose votes tie.
      expect(leftOut.length).toBeLessThan(0.05 * rows + 1);
      const isTrained = Object.keys(parsed.arms).length > 1;
      expect(isTrained).toBe(name !== 'judge-benchmarks/video-align.csv');
    },
  );

  test('folders of pictures: classes by sub-folder; without them there is no label', async () => {
    const recipe = recipePath();
    const [table] = (await initJson([path.join(data, 'cue-conflict/images'), '--to', recipe])).tables;
    expect(table?.task).toMatchObject({ kind: 'pointwise', label: 'class', images: ['image'], id: '__key__' });
    expect((await ingestRecipe(recipe)).examples).toHaveLength(table?.rowCount ?? NaN);
    for (const folder of ['cue-conflict/images/edges', 'nlvr/dev/images']) {
      const refused = runInit([path.join(data, folder), '--to', recipePath(), '--yes']);
      await expect(refused).rejects.toMatchObject({
        code: 'NOT_FOUND',
        details: { hint: expect.stringContaining('sub-folder') as string },
      });
    }
  });

  test('both files of NLVR include its adapter; a folder of series has a task for each', async () => {
    const nlvr = await initJson([
      ...['train1000', 'dev'].map((name) => path.join(data, `nlvr/${name}.jsonl`)),
      '--to',
      recipePath(),
    ]);
    expect(nlvr.adapters).toEqual(['nlvr.yaml']);
    const { tables } = await initJson([path.join(data, 'vader'), '--to', recipePath()]);
    expect(tables.map(({ task }) => [task?.name, task?.kind])).toEqual([
      ['agreement', 'pointwise'],
      ['intensity', 'score'],
      ['pairs', 'pairwise'],
      ['polarity', 'pointwise'],
    ]);
  });
});
