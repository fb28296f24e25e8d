/** Rows as labelling tools, chat logs and spreadsheets write them. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { labelledRows } from '../../judge/datasets/labelled-rows.ts';
import { localFiles } from '../../judge/datasets/sources/local-files.ts';
import { withoutImages } from '../../judge/tasks/image-marks.ts';
import { renderPrompt } from '../../judge/tasks/prompt.ts';
import { parseRecipe } from '../../recipes/load.ts';

let folder = '';
let png = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtrl-rows-'));
  const picture = sharp({ create: { width: 24, height: 16, channels: 3, background: 'teal' } });
  png = (await picture.png().toBuffer()).toString('base64');
});

const pointwise = { kind: 'pointwise', labels: ['yes', 'no'], prompt: '<image> ? {{ mode_word }}' };

function recipeOf(dataset: object, task: object = pointwise, more: object = {}) {
  return parseRecipe({
    ...{ name: 'rows', policy: { config: './demo-config', initSeed: 0 }, tasks: { shows: task } },
    datasets: [{ task: 'shows', split: 'test', fields: {}, ...dataset }],
    ...{ arms: { base: { objective: 'none', mode: 'direct' } }, quarantineRateMax: 1, ...more },
  });
}

async function ingested(name: string, text: string, dataset: object, task?: object) {
  const path = join(folder, name);
  await writeFile(path, text);
  const reader = name.split('.').at(-1);
  const recipe = recipeOf({ reader, path, ...dataset }, task);
  return { recipe, ...(await ingestDatasets(recipe, { image: () => undefined })) };
}
const lines = (...rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join('\n');

describe('pictures inside a row', () => {
  test('are data URIs, also deep inside it, or base64 alone', async () => {
    const rows = lines(
      { id: 1, image: `data:image/png;base64,${png}`, label: 'yes' },
      { id: 2, image: png, label: 'no' },
      { id: 3, image: { url: `DATA:image/png;name=a.png;base64,${png}` }, label: 'no' },
    );
    const { examples, quarantined } = await ingested('inline.jsonl', rows, {});
    expect(examples.map(({ id }) => id)).toEqual(['shows/test/1', 'shows/test/2']);
    expect(new Set(examples.flatMap(({ images }) => images)).size).toBe(1);
    expect(quarantined).toHaveLength(1);
    const deep = await ingested('deep.jsonl', rows.split('\n')[2] ?? '', { fields: { images: ['image.url'] } });
    expect(deep.examples).toHaveLength(1);
  });

  test('are checked like files, and no file name is taken for one', async () => {
    const rows = lines(
      { id: 1, image: `data:image/png;base64,${png.slice(0, 40)}`, label: 'yes' },
      { id: 2, image: `data:text/plain;base64,${Buffer.from('text').toString('base64')}`, label: 'yes' },
      { id: 3, image: 'a'.repeat(80), label: 'yes' },
      { id: 4, image: png, label: 'yes' },
    );
    const { quarantined } = await ingested('broken.jsonl', rows, {});
    expect(quarantined.map(({ code }) => code)).toEqual(['IMAGE_UNREADABLE', 'IMAGE_UNREADABLE', 'IMAGE_MISSING']);
  });
});

test('TRUE, True and true are one value, in a spreadsheet and in a map', async () => {
  const text = 'id,words,label\n1,a,TRUE\n2,b,FALSE\n3,c,True\n4,d,false\n';
  const words = { ...pointwise, prompt: '{{ words }} {{ mode_word }}' };
  const dataset = { fields: { images: [], prompt: ['words'] }, labelMap: { true: 'yes', FALSE: 'no' } };
  const { examples } = await ingested('spreadsheet.csv', text, dataset, words);
  expect(examples.map(({ label }) => label)).toEqual(['yes', 'no', 'yes', 'no']);
});

test('fields with dots are members in a prompt, and any name can be written', async () => {
  const task = {
    ...pointwise,
    prompt: '{{ Input.caption }} {{ row["Answer text"] }} {{ info.by.name }} {{ mode_word }}',
  };
  const row = { id: 1, 'Input.caption': 'a cat', 'Answer text': 'a <dog>', info: { by: { name: 'me' } }, label: 'yes' };
  const fields = { images: [], prompt: ['Input.caption', 'Answer text', 'info.by.name'] };
  const { examples, recipe } = await ingested('dotted.jsonl', lines(row), { fields }, task);
  const [message] = renderPrompt(
    ...([recipe.tasks['shows'], examples[0]] as Parameters<typeof renderPrompt> extends [infer T, infer E, ...unknown[]]
      ? [T, E]
      : never),
    'direct',
    recipe.modeWords,
  );
  const [part] = message?.content ?? [];
  if (part?.type !== 'text') throw new Error('the prompt is text');
  expect(part.text).toBe(`a cat a <dog> me ${recipe.modeWords.direct}`);
  // All of it is text of the row.
  expect(part.rows?.map(([from, to]) => part.text.slice(from, to))).toEqual(['a cat', 'a <dog>', 'me']);
});

test.each([[null], [''], [false]])('a ranked image without a rank (%j) is not first', async (rank) => {
  const row = { id: 1, pictures: [png, png], ranks: [rank, 1] };
  const pair = { kind: 'pairwise', labels: ['first', 'second'], prompt: '<image> <image> {{ mode_word }}' };
  const dataset = {
    fields: { images: ['image_0', 'image_1'], label: { lesserOf: ['rank_0', 'rank_1'] } },
    ranking: { images: 'pictures', ranks: 'ranks', to: 'pairs' },
  };
  const fine = { id: 2, pictures: [png, png], ranks: ['2', 1] };
  const { examples, quarantined } = await ingested('ranked.jsonl', lines(row, fine), dataset, pair);
  expect(quarantined).toMatchObject([{ code: 'LABEL_UNKNOWN', reason: 'ranks are not all numbers' }]);
  expect(examples.map(({ label }) => label)).toEqual(['second']);
});

test('a leak check of a field that no dataset reads is refused', () => {
  const dataset = { reader: 'jsonl', path: 'rows.jsonl', fields: { images: [], prompt: ['caption'] } };
  expect(() => recipeOf(dataset, pointwise, { leaks: { textFields: ['caption', 'src'] } })).toThrow(
    'leaks.textFields.1: found "src"; allowed: a field in the `fields.prompt` of a dataset: caption',
  );
});

describe('rows that a labeller skipped or cancelled', () => {
  const words = { ...pointwise, prompt: '{{ words }} {{ mode_word }}' };
  const rows = lines(
    { id: 1, words: 'a', label: 'yes', answer: 'accept', annotations: [{ was_cancelled: false }] },
    { id: 2, words: 'b', label: 'yes', answer: 'accept', annotations: [{ was_cancelled: true }] },
    { id: 3, words: 'c', label: 'no', answer: 'ignore', annotations: [{ was_cancelled: false }] },
    { id: 4, words: 'd', label: 'no' },
    { id: 5, words: 'e', label: 'no', answer: null },
  );
  const where = { answer: { not: ['ignore'] }, 'annotations.0.was_cancelled': { not: [true] } };
  const fields = { images: [], prompt: ['words'] };

  test('are counted with their reason, and are not in quarantine', async () => {
    const path = join(folder, 'skipped.jsonl');
    await writeFile(path, rows);
    const dataset = { reader: 'jsonl', path, fields, where };
    const recipe = recipeOf(dataset, words, { quarantineRateMax: 0 });
    const { examples, quarantined, quarantinedCount, leftOut } = await ingestDatasets(recipe, {
      image: () => undefined,
    });
    expect(examples.map(({ id }) => id)).toEqual(['shows/test/1', 'shows/test/4', 'shows/test/5']);
    expect({ quarantined, quarantinedCount }).toEqual({ quarantined: [], quarantinedCount: 0 });
    expect(leftOut).toMatchObject([
      { row: 2, code: 'LEFT_OUT', reason: 'annotations.0.was_cancelled is true' },
      { row: 3, code: 'LEFT_OUT', reason: 'answer is ignore' },
    ]);
    // What `score` compares verdicts with.
    const labelled = await labelledRows(recipe, 'shows', localFiles);
    expect(labelled.rows.map(({ id }) => id)).toEqual(['1', '4', '5']);
    expect(labelled).toMatchObject({ quarantined: [], leftOutCount: 2 });
  });

  test('make the ceiling no wider for the rest', async () => {
    const broken = [rows, ...[6, 7].map((id) => JSON.stringify({ id, words: 'f', label: 'maybe' }))].join('\n');
    const path = join(folder, 'skipped-and-broken.jsonl');
    await writeFile(path, broken);
    const recipe = recipeOf({ reader: 'jsonl', path, fields, where }, words, { quarantineRateMax: 0.3 });
    // 2 of 7 rows would be within 0.3; 2 of the 5 that were meant are not.
    await expect(ingestDatasets(recipe, { image: () => undefined })).rejects.toThrow('2 of 5 rows cannot be used');
  });
});

describe('conversations', () => {
  const task = { ...pointwise, prompt: '{{ turns[0].text }} {{ mode_word }}' };
  const fields = { images: ['picture'], label: 'turns.-1.text', prompt: ['turns'] };
  const row = (text: string, picture: unknown = png) => ({
    ...{ id: text, picture },
    turns: [{ text }, { text: 'yes', skipped: null, raw: `data:image/png;base64,${png}` }],
  });
  const promptOf = async (rows: string, dataset: object, given: { prompt: string } & object = task) => {
    const { recipe, examples, quarantined } = await ingested('turns.jsonl', rows, { fields, ...dataset }, given);
    const spec = required(recipe.tasks['shows'], 'the task');
    const contents = examples.map(
      (example) => renderPrompt(spec, example, 'direct', { think: '', direct: '' })[0]?.content ?? [],
    );
    return { examples, contents, codes: quarantined.map(({ code }) => code) };
  };

  test('are prompt fields with their lists, without nulls and pictures', async () => {
    const { examples } = await promptOf(lines(row('a')), {}, { ...task, prompt: `<image> ${task.prompt}` });
    expect(examples[0]?.fields).toEqual({ 'turns.0.text': 'a', 'turns.1.text': 'yes' });
  });

  test("show images at the row's marks, if the dataset names them", async () => {
    const rows = lines(row('x <image> y'), row('no mark'), row('<image><image>'));
    const { contents, codes } = await promptOf(rows, { imageMark: '<image>' });
    expect(contents).toEqual([
      [{ type: 'text', text: 'x', rows: [[0, 1]] }, { type: 'image' }, { type: 'text', text: 'y', rows: [[0, 1]] }],
    ]);
    expect(codes).toEqual(['PROMPT_INVALID', 'PROMPT_INVALID']);
  });

  test('show numbered images where their numbers are', async () => {
    const rows = lines(row('<image 2> and <image 1>', [png, png]), row('<image 3> <image 1>', [png, png]));
    const { contents, codes } = await promptOf(rows, { imageMark: '<image {n}>' });
    expect(contents).toEqual([
      [
        { type: 'image', image: 1 },
        { type: 'text', text: 'and', rows: [[0, 3]] },
        { type: 'image', image: 0 },
      ],
    ]);
    expect(codes).toEqual(['PROMPT_INVALID']);
  });

  test("keep the row's marks as text otherwise, and templates can cut them", async () => {
    const own = { ...task, prompt: `<image> ${task.prompt}` };
    const { contents } = await promptOf(lines(row('x <image>')), {}, own);
    expect(contents[0]).toEqual([{ type: 'image' }, { type: 'text', text: 'x <image>', rows: [[0, 9]] }]);
    const cut = { ...task, prompt: '<image> {{ turns[0].text | replace("<image>", "") }}' };
    expect((await promptOf(lines(row('x <image>')), {}, cut)).contents[0]).toEqual([
      { type: 'image' },
      { type: 'text', text: 'x', rows: [[0, 1]] },
    ]);
  });

  test('lose their marks with their images in the probe of missing images', async () => {
    const { examples } = await promptOf(lines(row('x <image> y')), { imageMark: '<image>' });
    expect(withoutImages(required(examples[0], 'an example'))).toMatchObject({
      images: [],
      fields: { 'turns.0.text': 'x   y' },
    });
  });

  test('are compared text by text in the leak check', async () => {
    const path = join(folder, 'leaks.jsonl');
    await writeFile(path, lines(row('the same words')));
    const dataset = { reader: 'jsonl', path, fields, imageMark: '<image>' };
    const recipe = parseRecipe({
      ...{
        name: 'rows',
        policy: { config: './demo-config' },
        tasks: { shows: { ...task, prompt: `<image> ${task.prompt}` } },
      },
      datasets: (['train', 'test'] as const).map((split) => ({ task: 'shows', split, ...dataset })),
      arms: { base: { objective: 'none', mode: 'direct' } },
      leaks: { textFields: ['turns'] },
    });
    const { leaks } = await ingestDatasets(recipe, { image: () => undefined });
    expect(leaks.some(({ kind }) => kind === 'text')).toBe(true);
  });
});

describe('conditions', () => {
  const rows = lines(
    { id: 1, label: 'yes', n: 3, tag: 'a' },
    { id: 2, label: 'unsure', n: '7', tag: 'b' },
    { id: 3, label: 'no', n: 'many' },
    { id: 4, label: 'no', n: null, tag: ['c'] },
  );
  const idsWhere = async (dataset: object) => {
    const words = { ...pointwise, prompt: 'x {{ mode_word }}' };
    const { examples, quarantined, leftOut } = await ingested(
      'where.jsonl',
      rows,
      { fields: { images: [] }, ...dataset },
      words,
    );
    expect(examples.length + quarantined.length + leftOut.length).toBe(4);
    return examples.map(({ id }) => Number(id.split('/').at(-1)));
  };
  const labelMap = { unsure: null };

  test.each([
    [{ n: { from: 3, below: 7 } }, [1]],
    [{ n: { present: true } }, [1, 3]],
    [{ n: { present: false } }, [4]],
    [{ tag: ['a', 'b'] }, [1]],
    [{ tag: { not: ['a'] }, id: [1, 3] }, [3]],
  ])('%j', async (where, expected) => {
    expect(await idsWhere({ where, labelMap })).toEqual(expected);
  });

  test('null in a label map leaves rows out, and the other labels stand for themselves', async () => {
    expect(await idsWhere({ labelMap })).toEqual([1, 3, 4]);
    expect(await idsWhere({ labelMap: { yes: 'no', no: 'yes', unsure: null } })).toEqual([1, 3, 4]);
  });
});
