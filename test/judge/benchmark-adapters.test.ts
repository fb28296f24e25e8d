/** Adapters of judge benchmarks, on a few rows in the published files and fields. */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parquetWriteBuffer, type SchemaElement } from 'hyparquet-writer';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import { taskScores } from '../../judge/evaluation/scores.ts';
import type { Example } from '../../judge/example.ts';
import { candidatesOf } from '../../judge/tasks/candidates.ts';
import { imagesOfMessages, renderPrompt } from '../../judge/tasks/prompt.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import { ingestAdapter } from './adapter-recipe.ts';

const root = mkdtempSync(path.join(tmpdir(), 'mtrl-benchmarks-'));
let folder = '';
let count = 0;
beforeEach(() => {
  folder = path.join(root, String(count++));
  mkdirSync(folder);
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

function put(name: string, content: string | Uint8Array): void {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), content);
}

/** Writes pictures that differ from each other. */
async function pictures(...names: readonly string[]): Promise<Buffer[]> {
  const made = names.map((_, i) =>
    sharp({ create: { width: 8, height: 8, channels: 3, background: { r: i, g: 0, b: 0 } } })
      .png()
      .toBuffer(),
  );
  const bytes = await Promise.all(made);
  bytes.forEach((each, i) => {
    put(names[i] ?? '', each);
  });
  return bytes;
}

const jsonl = (rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join('\n');

const leaf = (name: string, repetition: SchemaElement['repetition_type'] = 'OPTIONAL'): SchemaElement => ({
  ...{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: repetition },
});
const listOf = (name: string): SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  leaf('element'),
];
const imageOf = (name: string): SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', num_children: 2 },
  { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
  leaf('path'),
];

function parquet(rows: readonly Readonly<Record<string, unknown>>[], schemas: readonly SchemaElement[][]): Uint8Array {
  const names = schemas.map(([first]) => first?.name ?? '');
  const schema = [{ name: 'schema', num_children: names.length }, ...schemas.flat()];
  const columnData = names.map((name) => ({ name, data: rows.map((row) => row[name]) }));
  return new Uint8Array(parquetWriteBuffer({ schema, columnData }));
}

/** The adapter's examples in the order of its rows, without `randomOrderSeed`. */
async function asPublished(adapter: string, changes: readonly string[] = []) {
  const each = (dataset: Recipe['datasets'][number]) => ({ ...dataset, randomOrderSeed: undefined });
  return ingestAdapter(adapter, { folder, dataFolder: folder, changes, each });
}

const textsOf = (example: Example) =>
  candidatesOf(example).map((parts) => parts.map((part) => ('text' in part ? part.text : part.image)));

/** Texts of the prompt, with `*` for each picture, and the pictures in this order. */
function shownIn(recipe: Recipe, example: Example) {
  const messages = renderPrompt(
    required(recipe.tasks[example.task], example.task),
    example,
    'direct',
    recipe.modeWords,
  );
  const parts = messages.flatMap(({ content }) => content);
  return {
    text: parts.map((part) => (part.type === 'text' ? part.text : '*')).join(' '),
    images: imagesOfMessages(messages, (image) => image),
  };
}

test('Multimodal RewardBench: the label names the better output', async () => {
  await pictures('multimodal-rewardbench/images/nocaps/1.jpg');
  const row = { Image: 'images/nocaps/1.jpg', Text: 'Describe it.', Output1: 'a cat', Output2: 'a dog' };
  put(
    'multimodal-rewardbench/all_data.json',
    JSON.stringify([
      { ...row, ID: 'nocaps_1', Better: 'Output1', Category: 'correctness' },
      { ...row, ID: 'nocaps_2', Better: 'Output2', Category: 'correctness' },
      { ...row, ID: 'nocaps_3', Better: 'Output3', Category: 'correctness' },
    ]),
  );
  const { examples, quarantined } = await asPublished('multimodal-rewardbench.yaml', ['quarantineRateMax=1']);
  expect(examples.map(({ label }) => label)).toEqual(['first', 'second']);
  expect(examples.map(textsOf)).toEqual(Array.from({ length: 2 }, () => [['a cat'], ['a dog']]));
  expect(quarantined.map(({ code }) => code)).toEqual(['LABEL_UNKNOWN']);
});

test('MMRB2: request and responses keep their texts and pictures in order', async () => {
  const names = ['input_images/a.png', 'images/one.png', 'images/two.png', 'images/three.png'];
  await pictures(...names.map((name) => `mmrb2/${name}`));
  const pair = {
    prompt_source: 'blink',
    prompt_content: [
      ['text', 'Look:'],
      ['image', 'input_images/a.png'],
      ['text', 'which?'],
    ],
    response_a: {
      model_name: 'm',
      response_content: [
        ['image', 'images/one.png'],
        ['text', 'then'],
        ['image', 'images/two.png'],
      ],
    },
    response_b: { model_name: 'n', response_content: [['image', 'images/three.png']] },
    human_annotations: [2, 2, 1],
  };
  const pairs = [
    { ...pair, id: '1', chosen: 'A' },
    { ...pair, id: '2', chosen: 'B' },
    { ...pair, id: '3', chosen: 'B', prompt_content: [['video', 'a.mp4']] },
  ];
  for (const task of ['t2i', 'edit', 'interleaved', 'reasoning'])
    put(`mmrb2/${task}.json`, JSON.stringify({ version: { made: [1, '{'] }, pairs, note: ']' }, null, 2));
  const { recipe, examples, quarantined } = await asPublished('mmrb2.yaml', ['quarantineRateMax=1']);
  expect(examples.map(({ task, label }) => `${task} ${label}`)).toEqual(
    ['t2i', 'edit', 'interleaved', 'reasoning'].flatMap((task) => [`mmrb2-${task} first`, `mmrb2-${task} second`]),
  );
  expect(quarantined.map(({ code, reason }) => `${code} ${reason}`)).toEqual(
    Array.from(
      { length: 4 },
      () => 'FIELD_MISSING prompt_content.0 is a part of type video, neither text nor an image',
    ),
  );
  const [example] = examples;
  const { text, images } = shownIn(recipe, required(example, 'an example'));
  expect(text).toContain('Look: * which?');
  expect(text).toContain('First response: * then * Second response: *');
  expect(images).toEqual([0, 1, 2, 3]);
});

test('JudgeBench: both files are one task, a question is one group', async () => {
  const row = { source: 'mmlu-pro-law', question: 'Which law?', response_A: 'this', response_B: 'that' };
  put(
    'judgebench/dataset=judgebench,response_model=gpt-4o-2024-05-13.jsonl',
    jsonl([
      { ...row, pair_id: 'e302b0a0', original_id: 1420, label: 'B>A' },
      { ...row, pair_id: 'e302b0a1', original_id: 1420, label: 'A>B' },
    ]),
  );
  put(
    'judgebench/dataset=judgebench,response_model=claude-3-5-sonnet-20240620.jsonl',
    jsonl([{ ...row, pair_id: 'e302b0a2', original_id: 7, question: 'Other?', label: 'A>B' }]),
  );
  const { examples, quarantined } = await asPublished('judgebench.yaml');
  expect(quarantined).toEqual([]);
  expect(examples.map(({ label }) => label)).toEqual(['first', 'second', 'first']);
  expect(new Set(examples.map(({ groupKey }) => groupKey)).size).toBe(2);
});

test('RewardBench 2: four answers of which the first is chosen; those of Ties are rated one by one', async () => {
  const rows = [
    { id: '0', prompt: 'p', chosen: ['good'], rejected: ['b', 'c', 'd'], subset: 'Factuality' },
    { id: 'tied:1', prompt: 'q', chosen: ['red', 'blue'], rejected: ['cat', 'dog', 'cow', 'hen'], subset: 'Ties' },
    { id: 'ref:1', prompt: 'q1', chosen: ['red'], rejected: ['cat', 'dog'], subset: 'Ties' },
    { id: '2', prompt: 'r', chosen: ['good'], rejected: ['b', 'c'], subset: 'Math' },
  ];
  const schemas = [[leaf('id')], [leaf('prompt')], listOf('chosen'), listOf('rejected'), [leaf('subset')]];
  put('rewardbench-2/test-00000-of-00001.parquet', parquet(rows, schemas));
  const { recipe, examples, quarantined } = await asPublished('rewardbench-2.yaml', ['quarantineRateMax=1']);
  const [choice, ...ties] = examples;
  expect(choice).toMatchObject({ label: 'A', attributes: { subset: 'Factuality' } });
  expect(textsOf(required(choice, 'a choice'))).toEqual([['good'], ['b'], ['c'], ['d']]);
  expect(ties.map(({ id, label, attributes }) => [id, label, attributes?.['pair']])).toEqual([
    ...[0, 1].map((i) => [`rewardbench-2-ties/test/tied:1-chosen-${String(i)}`, '10', 'tied:1']),
    ['rewardbench-2-ties/test/ref:1-chosen-0', '10', 'ref:1'],
    ...[0, 1, 2, 3].map((i) => [`rewardbench-2-ties/test/tied:1-rejected-${String(i)}`, '1', 'tied:1']),
    ...[0, 1].map((i) => [`rewardbench-2-ties/test/ref:1-rejected-${String(i)}`, '1', 'ref:1']),
  ]);
  expect(shownIn(recipe, required(ties[1], 'a tie')).text).toContain('Answer: blue');
  const task = 'rewardbench-2-ties';
  const scores = (ratingOf: (example: Example) => string) =>
    taskScores({
      ...{ task, spec: required(recipe.tasks[task], task), split: 'test', resampleCount: 5, seed: 0 },
      judged: ties.map((example) => ({ example, judgment: { ok: true, verdict: ratingOf(example), rationale: '' } })),
    });
  // Right answers have 10, wrong ones 1: all is won by the greatest margin.
  expect(scores(({ label }) => label).headline).toMatchObject({ metric: 'tiesScore', value: 1.01 });
  // "blue" is rated as low as the wrong answers of its prompt: only the prompt with one right answer is won.
  const blind = scores(({ label, fields }) => (fields['answer'] === 'blue' ? '1' : label));
  expect(blind.tiesScore).toMatchObject({ refAccuracy: 1, tiedAccuracy: 0, preferredRate: 0 });
  expect(quarantined.map(({ code }) => code)).toEqual(['FIELD_MISSING']);
});

test('MLLM-as-a-Judge: scores, pairs with ties, and rankings written as letters', async () => {
  await pictures('mllm-as-a-judge/image/1.jpg');
  const row = { image_path: 'image/1.jpg', original_dataset: 'coco', instruction: 'What is it?' };
  const named = (name: string) => ({ name, answer: `of ${name}` });
  put(
    'mllm-as-a-judge/score.jsonl',
    jsonl([
      { ...row, id: 1, score_id: 0, name: 'llava', answer: 'a', human: 3 },
      { ...row, id: 1, score_id: 1, name: 'gpt4', answer: 'b', human: '4' },
      { ...row, id: 1, score_id: 2, name: 'gpt4', answer: 'b', human: 6 },
    ]),
  );
  const pair = { ...row, id: 1, answer1: named('gpt4'), answer2: named('gemini') };
  put(
    'mllm-as-a-judge/pair.jsonl',
    jsonl(['A', 'B', 'C', 'D'].map((human, i) => ({ ...pair, pair_id: i, human_answer: human }))),
  );
  const batch = { ...row, answers: ['llava', 'cogvlm', 'gpt4', 'gemini'].map(named) };
  put(
    'mllm-as-a-judge/batch.jsonl',
    jsonl(['CDAB', 'CDA', 'CCDA', 'B > A > C > D'].map((human, id) => ({ ...batch, id, human_answer: human }))),
  );
  const { examples, quarantined } = await asPublished('mllm-as-a-judge.yaml', ['quarantineRateMax=1']);
  const labelsOf = (task: string) => examples.filter((one) => one.task === task).map(({ label }) => label);
  expect(labelsOf('mllm-judge-score')).toEqual(['3', '4']);
  expect(labelsOf('mllm-judge-pair')).toEqual(['A', 'B', 'C']);
  expect(labelsOf('mllm-judge-batch')).toEqual(['C > D > A > B', 'B > A > C > D']);
  expect(quarantined.map(({ code }) => code)).toEqual(Array.from({ length: 4 }, () => 'LABEL_UNKNOWN'));
});

test('HPDv3: the first picture is the preferred one, in an order drawn by seed', async () => {
  const names = Array.from({ length: 40 }, (_, i) => `images/${String(i).padStart(3, '0')}.png`);
  await pictures(...names.map((name) => `hpdv3/${name}`));
  const rows = names.slice(0, 20).map((path1, i) => ({
    ...{ prompt: `prompt ${String(i)}`, path1, path2: names[20 + i], model1: 'flux', model2: 'infinity' },
    ...{ choice_dist: null, confidence: null },
  }));
  put('hpdv3/test.json', JSON.stringify(rows));
  const published = await asPublished('hpdv3.yaml');
  expect(published.examples.map(({ label }) => label)).toEqual(rows.map(() => 'first'));
  const { examples } = await ingestAdapter('hpdv3.yaml', { folder, dataFolder: folder });
  const first = examples.filter(({ label }) => label === 'first').length;
  // 20 fair coins: fewer than one in a thousand draws lies outside.
  expect(first).toBeGreaterThan(2);
  expect(first).toBeLessThan(18);
  // The preferred picture stays the preferred one.
  examples.forEach(({ images, label }, i) => {
    expect(images[label === 'first' ? 0 : 1]).toBe(published.examples[i]?.images[0]);
  });
});

test('VisJudge-Bench: the overall score and the dimensions as they are', async () => {
  await pictures('visjudgebench/images/dashboard/a.png');
  const dimensions = {
    ...{ data_fidelity: 4, semantic_readability: 4.5, insight_discovery: 3.49 },
    ...{ design_style: 1, visual_composition: 5, color_harmony: 3.67 },
  };
  const row = {
    type: 'dashboard',
    subtype: 'analytical_dashboard',
    image_path: 'images/dashboard/a.png',
    prompt: '...',
  };
  const rows = [
    { _id: 1, ...row, overall_score: 3.61, dimension_scores: dimensions },
    { _id: 2, ...row, overall_score: 0.5, dimension_scores: { ...dimensions, color_harmony: null } },
  ];
  put('visjudgebench/VisJudgeBench.json', jsonl(rows));
  const { examples, quarantined } = await asPublished('visjudgebench.yaml', ['quarantineRateMax=1']);
  expect(examples.map(({ task, label, score }) => [task, label, score])).toEqual([
    ['visjudge-overall', '3.61', 3.61],
    [
      'visjudge-dimensions',
      'data_fidelity: 4, semantic_readability: 4.5, insight_discovery: 3.49, design_style: 1, visual_composition: 5, color_harmony: 3.67',
      undefined,
    ],
  ]);
  expect(quarantined.map(({ code }) => code)).toEqual(['LABEL_UNKNOWN', 'FIELD_MISSING']);
});

test('VideoGen-RewardBench: clips as folders of frames, each criterion with ties', async () => {
  const frames = (clip: string, length: number) =>
    Array.from({ length }, (_, i) => `frames/videos/${clip}.mp4/${String(i + 1)}.png`);
  await pictures(...frames('a', 11), ...frames('b', 2));
  put(
    'video-align.csv',
    [
      'path_A,path_B,prompt,VQ,MQ,TA,fps_A,num_frames_A,fps_B,num_frames_B',
      'videos/a.mp4,./videos/b.mp4,"A dog, running",B,same,A,24.0,126.0,30.0,152.0',
      'videos/a.mp4,videos/c.mp4,A cat,A,A,A,24.0,126.0,30.0,152.0',
    ].join('\n'),
  );
  const { recipe, examples, quarantined } = await asPublished('videogen-rewardbench.yaml', ['quarantineRateMax=1']);
  expect(examples.map(({ task, label }) => [task, label])).toEqual([
    ['videogen-visual', 'B'],
    ['videogen-motion', 'same'],
    ['videogen-alignment', 'A'],
    ['videogen-criteria', 'VQ: B, MQ: same, TA: A'],
  ]);
  expect(quarantined.map(({ code, reason }) => `${code} ${reason}`)).toEqual(
    Array.from({ length: 4 }, () => 'IMAGE_MISSING videos/c.mp4 is not a folder of the image folder'),
  );
  const visual = required(examples[0], 'an example');
  // In the order of numbers: 1, 2, ..., 10, 11.
  expect(candidatesOf(visual).map(({ length }) => length)).toEqual([11, 2]);
  for (const example of [visual, required(examples[3], 'the criteria')]) {
    const { text, images } = shownIn(recipe, example);
    expect(text).toMatch(/Frames of clip A: (\* ){11}Frames of clip B: (\* ){2}Which/);
    expect(images).toEqual(Array.from({ length: 13 }, (_, i) => i));
  }
});

describe('EditReward-Bench', () => {
  test('each part is a task of its own; its letters name the two edits that are compared', async () => {
    const [source, one, two] = await pictures('s.png', 't.png', 'u.png');
    const part = (dataset: string, id: string, ranking: string, type: string) => ({
      ...{ id, dataset, ranking, comparison_type: type, instruction: `edit ${id.slice(0, 2)}` },
      ...{ source_image: { bytes: source, path: null }, candidate_1: { bytes: one, path: null } },
      candidate_2: { bytes: two, path: null },
    });
    const rows = [
      part('2pair', 'a0_AB', 'A=B', 'AvsB'),
      part('2pair', 'a1_AB', 'B>A', 'AvsB'),
      part('3pair', 'b0_AC', 'A>C', 'AvsC'),
      part('3pair', 'b0_BC', 'C>B', 'BvsC'),
      part('4pair', 'c0_CD', 'D>C', 'CvsD'),
      part('4pair', 'c0_AD', 'A~D', 'AvsD'),
    ];
    const schemas = [
      ...[[leaf('id')], [leaf('instruction')], [leaf('ranking')], [leaf('comparison_type')], [leaf('dataset')]],
      ...[imageOf('source_image'), imageOf('candidate_1'), imageOf('candidate_2')],
    ];
    put('edit-reward-bench/train-00000-of-00001.parquet', parquet(rows, schemas));
    const { examples, quarantined, leftOut } = await asPublished('edit-reward-bench.yaml', ['quarantineRateMax=1']);
    expect(examples.map(({ task, label }) => `${task} ${label}`)).toEqual([
      ...['edit-reward-bench-2 tie', 'edit-reward-bench-2 second'],
      ...['edit-reward-bench-3 first', 'edit-reward-bench-3 second', 'edit-reward-bench-4 second'],
    ]);
    // acc+ counts the edits of one source, whose pairs the start of the id names.
    const edits = examples.slice(2).map(({ attributes }) => attributes);
    expect(edits).toEqual([{ edit: 'b0' }, { edit: 'b0' }, { edit: 'c0' }]);
    // Three readings of six rows: what is no example of a task is counted.
    expect(quarantined.map(({ code }) => code)).toEqual(['LABEL_UNKNOWN']);
    expect(leftOut).toHaveLength(12);
  });
});
