/** Rows with candidates made of NLVR's, and the recipe that reads them. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prepareNlvr } from '../../bench/nlvr-candidates.ts';
import { choicesOf, type NlvrRow, pairsOf, plainSentence, vocabularyOf } from '../../bench/nlvr-rows.ts';
import { required } from '../../core/assert.ts';
import { projectRoot } from '../../core/project.ts';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { candidatesOf } from '../../judge/tasks/candidates.ts';
import { renderPrompt } from '../../judge/tasks/prompt.ts';
import { otherOrders } from '../../judge/tasks/reorder.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import { needSharedData } from '../support/needs.ts';

const row = (identifier: string, sentence: string, label: NlvrRow['label']): NlvrRow => ({
  ...{ identifier, sentence, label, images: [`${identifier}.png`] },
});

test('a pair is the sentence and its denial, of which the right one is true of the picture', () => {
  const pairs = pairsOf([row('1-0', 'There is  a Tower.', 'true'), row('1-1', 'Two boxes, one blue', 'false')]);
  expect(pairs).toEqual([
    {
      ...{ id: '1-0', image: '1-0.png', sentence: 'there is a tower' },
      ...{ right: 'there is a tower', wrong: 'it is false that there is a tower' },
    },
    {
      ...{ id: '1-1', image: '1-1.png', sentence: 'two boxes one blue' },
      ...{ right: 'it is false that two boxes one blue', wrong: 'two boxes one blue' },
    },
  ]);
});

test('a choice has one true picture first and three false ones, each used about equally often', () => {
  const rows = Array.from({ length: 12 }, (_, i) => row(String(i), `sentence ${String(i)}`, i < 4 ? 'true' : 'false'));
  const choices = choicesOf(rows, 0);
  expect(choices).toHaveLength(4);
  const used = new Map<string, number>();
  for (const { id, candidates } of choices) {
    const [right, ...wrong] = candidates.map(({ image }) => image);
    expect(right).toBe(`${id}.png`);
    expect(Number(id)).toBeLessThan(4);
    expect(new Set(wrong).size).toBe(3);
    for (const image of wrong) used.set(image, (used.get(image) ?? 0) + 1);
    expect(wrong.every((image) => Number.parseInt(image) >= 4)).toBe(true);
  }
  // 12 places for 8 false rows.
  expect([...used.values()].every((count) => count === 1 || count === 2)).toBe(true);
  expect(choicesOf(rows, 0)).toEqual(choices);
  expect(choicesOf(rows.slice(0, 6), 0)).toEqual([]);
});

test('words of a single sentence are no words of the tokenizer', () => {
  expect(vocabularyOf([{ sentence: 'A box, a box' }, { sentence: 'the box' }])).toEqual(['box']);
});

const { found, isMissing } = needSharedData('nlvr');

describe.skipIf(isMissing)('recipes/nlvr-candidates.yaml', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mtrl-nlvr-'));
  let counts: ReturnType<typeof prepareNlvr>;
  beforeAll(() => {
    counts = prepareNlvr(join(found ?? '', 'nlvr'), join(folder, 'made'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('reads every row, in a random order, with one right candidate whose truth the published label gives', async () => {
    const { parsed } = loadRecipeFile(join(projectRoot, 'recipes', 'nlvr-candidates.yaml'), [
      `dataFolder=${join(folder, 'made')}`,
      `policy.config=${join(folder, 'made', 'config')}`,
    ]);
    const { examples, quarantined } = await ingestDatasets(parsed, { image: () => undefined });
    expect(quarantined).toEqual([]);
    const all = Object.values(counts.exampleCounts);
    expect(all).toEqual([1000, 587, 989, 547]);
    expect(examples).toHaveLength(all.reduce((a, b) => a + b, 0));
    const labels = new Map<string, NlvrRow>();
    for (const file of ['train1000.jsonl', 'dev.jsonl'])
      for (const line of readFileSync(join(found ?? '', 'nlvr', file), 'utf8')
        .trim()
        .split('\n')) {
        const published = JSON.parse(line) as NlvrRow;
        labels.set(`${file === 'dev.jsonl' ? 'test' : 'train'}/${published.identifier}`, published);
      }
    for (const example of examples.filter(({ task }) => task === 'sentence-pairs')) {
      const published = required(labels.get(example.id.replace('sentence-pairs/', '')), example.id);
      const chosen = candidatesOf(example)[example.label === 'first' ? 0 : 1]?.[0];
      const isDenied = chosen !== undefined && 'text' in chosen && chosen.text !== plainSentence(published.sentence);
      expect(isDenied).toBe(published.label === 'false');
    }
    for (const [task, labelCount] of [
      ['sentence-pairs', 2],
      ['picture-choices', 4],
    ] as const) {
      const own = examples.filter((example) => example.task === task);
      const first = own.filter(({ label }) => label === 'first').length / own.length;
      // Five standard errors of fair draws.
      expect(Math.abs(first - 1 / labelCount)).toBeLessThan(2.5 / Math.sqrt(own.length));
      const [example] = own;
      const spec = required(parsed.tasks[task], task);
      const orders = [required(example, task), ...otherOrders(required(example, task), spec)];
      expect(orders).toHaveLength(labelCount);
      for (const order of orders) expect(() => renderPrompt(spec, order, 'direct', parsed.modeWords)).not.toThrow();
    }
  });

  test('has a tokenizer with the words of its prompts and most words of the test', () => {
    const { model } = JSON.parse(readFileSync(join(folder, 'made', 'config', 'tokenizer.json'), 'utf8')) as {
      readonly model: { readonly vocab: Readonly<Record<string, number>> };
    };
    expect(counts.wordCount).toBe(Object.keys(model.vocab).length);
    // config.json names tokens of the demo, such as that of images, by their ids.
    const demo = readFileSync(join(projectRoot, 'recipes', 'demo-config', 'tokenizer.json'), 'utf8');
    expect(model.vocab).toMatchObject((JSON.parse(demo) as { readonly model: { readonly vocab: object } }).model.vocab);
    expect(new Set(Object.values(model.vocab)).size).toBe(counts.wordCount);
    const words = 'image which is true ? first second third fourth : directly it false that <answer> </answer>';
    expect(words.split(' ').filter((word) => !Object.hasOwn(model.vocab, word))).toEqual([]);
    const lines = readFileSync(join(folder, 'made', 'pairs.test.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const said = lines.flatMap((line) => (JSON.parse(line) as { sentence: string }).sentence.split(' '));
    const unknown = said.filter((word) => !Object.hasOwn(model.vocab, word));
    expect(unknown.length / said.length).toBeLessThan(0.03);
  });
});
