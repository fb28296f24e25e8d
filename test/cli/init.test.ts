/** `mtrl init` on files of its own: the recipe that it writes is ingested unchanged, and unusable input is refused. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { askTask } from '../../cli/init/ask-task.ts';
import { Dialogue } from '../../cli/init/dialogue.ts';
import { Interrupted } from '../../cli/show/interrupted.ts';
import { inspectData } from '../../judge/datasets/inspection/facts/inspect-data.ts';
import { localFiles } from '../../judge/datasets/sources/local-files.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import { HubServer } from '../support/hub-server.ts';
import { writePublishedFiles } from '../support/published-files.ts';
import { ingestRecipe, initJson, runInit } from './run-init.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'mtrl-init-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

let count = 0;
const recipePath = (): string => path.join(folder, `recipe-${count++}.yaml`);

function file(name: string, content: string | Uint8Array): string {
  const place = path.join(folder, name);
  mkdirSync(path.dirname(place), { recursive: true });
  writeFileSync(place, content);
  return place;
}

const lines = (rowCount: number, row: (i: number) => unknown): string =>
  Array.from({ length: rowCount }, (_, i) => JSON.stringify(row(i))).join('\n');

describe('a recipe that is ingested unchanged', () => {
  test('from CSV, with relative paths, comments and arms of all objectives', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => `"a review, number ${i}",${i % 2 === 0 ? 'TRUE' : 'FALSE'},${i}`);
    const data = file('reviews.csv', ['review,helpful,n_words', ...rows].join('\n'));
    const recipe = recipePath();
    const { tables } = await initJson([data, '--to', recipe]);
    expect(tables[0]).toMatchObject({ rowCount: 60, task: { kind: 'pointwise', label: 'helpful' } });
    const { parsed, examples, quarantined } = await ingestRecipe(recipe);
    expect([examples.length, quarantined.length]).toEqual([60, 0]);
    expect(Object.keys(parsed.arms)).toEqual(['base', 'format', 'sft', 'rl']);
    const text = readFileSync(recipe, 'utf8');
    expect(text).toContain('path: reviews.csv\n');
    expect(text).toContain('# `helpful` has 2 values (TRUE 30, FALSE 30).');
    expect(text).toContain('# Not used: n_words.');
  });

  test('rows that cannot be used are counted, with their first reasons, and allowed for', async () => {
    const good = lines(40, (i) => ({ caption: `what is seen ${i}`, score: 1 + (i % 9) / 2 }));
    const nulls = lines(10, (i) => ({ caption: `without a score ${i}`, score: null }));
    const recipe = recipePath();
    const data = file('scores.jsonl', `${good}\n${nulls}\n{"caption": broken\n[1, 2]\n`);
    const { tables } = await initJson([data, '--to', recipe]);
    expect(tables[0]).toMatchObject({ rowCount: 50, unreadableCount: 2, task: { kind: 'score' } });
    expect(tables[0]?.unreadable[0]).toContain('row 51');
    const { examples, quarantined } = await ingestRecipe(recipe);
    expect([examples.length, quarantined.length]).toEqual([40, 12]);
  });

  test('several files of one name by split are one task; others are another', async () => {
    const row = (i: number) => ({ text: `a text ${i}`, label: i % 2 });
    for (const split of ['train', 'test']) file(`set/kind.${split}.jsonl`, lines(20, row));
    file(
      'set/pairs.jsonl',
      lines(50, (i) => ({ chosen: `good ${i}`, rejected: `bad ${i}` })),
    );
    const recipe = recipePath();
    await initJson([path.join(folder, 'set'), '--to', recipe]);
    const { examples } = await ingestRecipe(recipe);
    const countOf = (name: string) => examples.filter(({ task, split }) => `${task}/${split}`.startsWith(name)).length;
    expect([countOf('kind/train'), countOf('kind/test'), countOf('pairs/')]).toEqual([20, 20, 50]);
  });

  test('rows that were skipped, and those of the other split in a split column, are left out', async () => {
    const row = (i: number) => ({
      ...{ text: `a text ${i}`, label: ['good', 'bad', 'skip'][i % 3] },
      split: i < 45 ? 'train' : 'test',
    });
    const recipe = recipePath();
    await initJson([file('skipped.jsonl', lines(60, row)), '--to', recipe]);
    const { examples, quarantined, leftOut } = await ingestRecipe(recipe);
    const countOf = (name: string) => examples.filter(({ split }) => split === name).length;
    expect([countOf('train'), countOf('test')]).toEqual([30, 10]);
    expect(quarantined).toEqual([]);
    expect(leftOut.length).toBeGreaterThan(0);
  });

  test('pairs that share all of their pictures are one group, so all are the test', async () => {
    const { default: sharp } = await import('sharp');
    const picture = { create: { width: 8, height: 8, channels: 3, background: '#abcdef' } } as const;
    const png = await sharp(picture).png().toBuffer();
    for (let i = 0; i < 6; i++) file(`pool/images/${i}.png`, Buffer.concat([png, Buffer.from([i])]));
    const row = (i: number) => ({ image_0: `${i % 6}.png`, image_1: `${(i + 1) % 6}.png`, label: i % 2 });
    const recipe = recipePath();
    await initJson([file('pool/rows.jsonl', lines(30, row)), '--to', recipe]);
    const { parsed, examples } = await ingestRecipe(recipe);
    expect(new Set(examples.map(({ split }) => split))).toEqual(new Set(['test']));
    expect(Object.keys(parsed.arms)).toEqual(['base']);
  });

  test('names and values with braces, quotes, escapes and line breaks stay text', async () => {
    const row = (i: number) => ({
      'the {{ text }} "here"': `text of row ${i} # not a comment`,
      label: ['a: b', '# c', "it's\u001b[31m"][i % 3],
    });
    const recipe = recipePath();
    const data = file('odd {names}.jsonl', lines(30, row));
    const { stdout } = await runInit([data, '--to', recipe, '--yes']);
    expect(stdout).not.toContain('\u001b[31m');
    expect(readFileSync(recipe, 'utf8')).not.toContain('\u001b');
    const { examples, quarantined } = await ingestRecipe(recipe);
    expect([examples.length, quarantined.length]).toEqual([30, 0]);
  });
});

describe('a data set on the Hub', () => {
  const server = new HubServer();
  beforeAll(() => server.start());
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server.stop();
  });

  test('is read and named with its commit', async () => {
    const commit = 'c'.repeat(40);
    const content = (rowCount: number) => Buffer.from(lines(rowCount, (i) => ({ text: `a text ${i}`, label: i % 2 })));
    server.repositories.push({
      ...{ type: 'datasets', name: 'org/words', branches: { main: commit } },
      files: { 'data/train.jsonl': content(30), 'data/test.jsonl': content(10), 'README.md': Buffer.from('words') },
    });
    vi.stubEnv('HF_ENDPOINT', server.endpoint);
    vi.stubEnv('HF_HOME', path.join(folder, 'hf'));
    const recipe = recipePath();
    const { tables } = await initJson(['hf:datasets/org/words', '--to', recipe]);
    expect(tables[0]).toMatchObject({ rowCount: 40, task: { kind: 'pointwise', label: 'label' } });
    const { parsed } = loadRecipeFile(recipe, []);
    expect(parsed.datasets).toMatchObject([
      { path: `hf:datasets/org/words@${commit}/data/test.jsonl`, split: 'test' },
      { path: `hf:datasets/org/words@${commit}/data/train.jsonl`, split: 'train' },
    ]);
  });
});

describe('published data', () => {
  const published = path.join(folder, 'published');
  beforeAll(() => writePublishedFiles(published));

  test.each([
    ['pick-a-pic', 'pick-a-pic.yaml', 40],
    ['mjbench', 'mjbench.yaml', 60],
    ['nlvr', 'nlvr.yaml', 26],
    ['seetrue', 'seetrue.yaml', 40],
    ['agin', 'agin.yaml', 60],
    ['unsafebench', 'unsafebench.yaml', 26],
    ['imagereward', 'imagereward.yaml', 36],
  ])('the files of %s include its adapter', async (name, adapter, exampleCount) => {
    const recipe = recipePath();
    const { adapters } = await initJson([path.join(published, name), '--to', recipe]);
    expect(adapters).toEqual([adapter]);
    expect((await ingestRecipe(recipe)).examples).toHaveLength(exampleCount);
  });
});

describe('unusable input', () => {
  const refused = async (data: string | Uint8Array | undefined, name: string) => {
    const place = data === undefined ? path.join(folder, name) : file(name, data);
    const recipe = recipePath();
    const error: unknown = await runInit([place, '--to', recipe, '--yes']).catch((thrown: unknown) => thrown);
    expect(existsSync(recipe)).toBe(false);
    return error;
  };

  test('no such file, an empty file, a binary file, a folder of neither', async () => {
    expect(await refused(undefined, 'nothing.jsonl')).toMatchObject({ code: 'FILE_MISSING' });
    expect(await refused('', 'empty.jsonl')).toMatchObject({ code: 'DATASET_EMPTY' });
    expect(await refused(Uint8Array.from([0, 1, 2, 255]), 'binary.dat')).toMatchObject({
      ...{ code: 'FILE_UNREADABLE', details: { found: 'binary content' } },
    });
    file('words/readme.md', 'text');
    expect(await refused(undefined, 'words')).toMatchObject({ code: 'DATASET_EMPTY' });
  });

  test('a file of rows of which none can be read names the first reasons', async () => {
    const error = await refused('{"a": 1\n{"b": 2\n', 'broken.jsonl');
    expect(error).toMatchObject({ code: 'FILE_UNREADABLE', message: 'none of 2 rows can be read' });
    expect((error as { details: { found: string } }).details.found).toContain('broken.jsonl row 1');
  });

  test('no possible label: what is there, and how to name it', async () => {
    const error = await refused(
      lines(30, (i) => ({ text: `a text ${i}` })),
      'unlabelled.jsonl',
    );
    expect(error).toMatchObject({ code: 'NOT_FOUND', message: 'no column can be the label' });
    expect((error as { details: { hint: string } }).details.hint).toContain('--label');
  });

  test('an existing recipe is not overwritten', async () => {
    const recipe = file('mine.yaml', 'name: mine\n');
    const data = file(
      'few.jsonl',
      lines(10, (i) => ({ text: `a text ${i}`, label: i % 2 })),
    );
    await expect(runInit([data, '--to', recipe, '--yes'])).rejects.toMatchObject({ code: 'USAGE' });
    expect(readFileSync(recipe, 'utf8')).toBe('name: mine\n');
  });
});

describe('the dialogue', () => {
  async function answered(answers: readonly string[], name: string) {
    const data = file(
      name,
      lines(20, (i) => ({ text: `a text ${i}`, label: i % 2, stars: 1 + (i % 5) })),
    );
    const [table] = await inspectData(localFiles, [data]);
    const [input, output] = [new PassThrough(), new PassThrough()];
    const dialogue = new Dialogue(input, output);
    let shown = '';
    output.on('data', (bytes: Buffer) => {
      shown += bytes.toString();
      // One answer for each question, as a person gives it.
      if (shown.endsWith(': ') && asked++ < answers.length) input.write(`${answers[asked - 1] ?? ''}\n`);
      else if (shown.endsWith(': ')) input.end();
    });
    let asked = 0;
    if (table === undefined) throw new Error('no table');
    return askTask(dialogue, table, {}, localFiles).finally(() => {
      dialogue.close();
    });
  }

  test('takes every guess by Enter', async () => {
    const task = await answered(['', '', ''], 'asked-1.jsonl');
    expect(task).toMatchObject({ guess: { kind: 'pointwise', label: 'label' } });
  });

  test('takes other answers, and asks again after one that cannot be', async () => {
    const task = await answered(['no-such', 'stars', 'ranking', 'score', 'How good is it?'], 'asked-2.jsonl');
    expect(task).toMatchObject({ guess: { kind: 'score', label: 'stars' }, question: 'How good is it?' });
  });

  test('ends as interrupted when the input ends', async () => {
    await expect(answered([''], 'asked-3.jsonl')).rejects.toBeInstanceOf(Interrupted);
  });
});
