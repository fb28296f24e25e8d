/**
 * The shipped adapters, and recipes/paper.yaml, which includes them, on rows in the files and columns of the published
 * data; and on real rows from ../shared/data beside the checkout, skipped with a reason if they are missing.
 */
import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ingestDatasets, type Ingestion } from '../../judge/datasets/ingest.ts';
import type { Example } from '../../judge/example.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import { needSharedData } from '../support/needs.ts';
import { sharedPrompt, writePublishedFiles } from '../support/published-files.ts';
import { ingestAdapter } from './adapter-recipe.ts';

const data = path.resolve(fileURLToPath(import.meta.url), '../../../../shared/data');
const { isMissing } = needSharedData('nlvr', 'format-fixtures');

const folder = mkdtempSync(path.join(tmpdir(), 'mtrl-adapters-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Ingests the datasets of one adapter from the folder; datasets whose files are missing are left out. */
function ingested(
  adapter: string,
  datasetIndices: readonly number[],
  { changes = [], dataFolder = folder }: { readonly changes?: readonly string[]; readonly dataFolder?: string } = {},
) {
  return ingestAdapter(adapter, { folder, dataFolder, changes, datasetIndices });
}

function link(from: string, to: string): void {
  const place = path.join(folder, to);
  mkdirSync(path.dirname(place), { recursive: true });
  symlinkSync(path.join(data, from), place);
}

describe.skipIf(isMissing)('real rows', () => {
  test('NLVR: every row becomes an example, and no sentence is in two splits', async () => {
    link('nlvr', 'nlvr');
    const { examples, quarantined } = await ingested('nlvr.yaml', [0]);
    expect(quarantined).toEqual([]);
    expect(examples).toHaveLength(1000);
    const val = examples.filter(({ split }) => split === 'val');
    expect(Math.abs(val.length - 100)).toBeLessThanOrEqual(2);
    const sides = new Map<string, string>();
    for (const { fields, split } of examples) {
      const sentence = fields['sentence'] ?? '';
      expect(sides.get(sentence) ?? split).toBe(split);
      sides.set(sentence, split);
    }
  });

  test('MJ-Bench: with random order, the constant label 0 occurs in both positions', async () => {
    link('format-fixtures/mjbench_pairwise.parquet', 'mjbench/alignment-0.parquet');
    const { examples } = await ingested('mjbench.yaml', [0]);
    expect(examples).toHaveLength(40);
    const first = examples.filter(({ label }) => label === 'first').length;
    expect(first).toBeGreaterThan(8);
    expect(first).toBeLessThan(32);
  });

  test('Pick-a-Pic: the greater label wins, ties are quarantined', async () => {
    link('format-fixtures/pickapic_binary_cols.parquet', 'pick-a-pic/0.parquet');
    const { examples, quarantined } = await ingested('pick-a-pic.yaml', [0], { changes: ['quarantineRateMax=0.5'] });
    expect(examples.length + quarantined.length).toBe(40);
    expect(new Set(quarantined.map(({ code }) => code)).size).toBeLessThanOrEqual(1);
  });
});

describe('rows as published', () => {
  const published = path.join(folder, 'published');
  const dataFolder = published;
  beforeAll(() => writePublishedFiles(published));

  /** `task split` -> number of examples by label. */
  const countsOf = (examples: readonly Example[]): Record<string, Record<string, number>> => {
    const counts: Record<string, Record<string, number>> = {};
    for (const { task, split, label } of examples) {
      const labels = (counts[`${task} ${split}`] ??= {});
      labels[label] = (labels[label] ?? 0) + 1;
    }
    return counts;
  };

  describe('recipes/paper.yaml', () => {
    let paper: Ingestion;
    beforeAll(async () => {
      const { parsed } = loadRecipeFile(path.resolve('recipes/paper.yaml'), [`dataFolder=${published}`]);
      paper = await ingestDatasets(parsed, { image: () => undefined });
    });

    test('ingests every row of its five sources with its task, split and label', () => {
      const { examples, quarantined } = paper;
      expect(quarantined).toEqual([]);
      const counts = countsOf(examples);
      const half = (count: number) => ({ yes: count / 2, no: count / 2 });
      expect(counts).toMatchObject({
        ...{ 'alignment train': half(32), 'alignment val': half(4), 'alignment test': half(4) },
        ...{ 'safety train': { safe: 9, unsafe: 9 }, 'safety val': { safe: 1, unsafe: 1 } },
        'safety test': { safe: 3, unsafe: 3 },
        // Ranks 1, 2, 2, 5: the best one and the two after it rank above half of the others.
        ...{ 'preference train': { yes: 9, no: 3 }, 'preference val': { yes: 9, no: 3 } },
        'preference test': { yes: 9, no: 3 },
      });
      const shareOf = (task: string) => ['train', 'val', 'test'].map((split) => sum(counts[`${task} ${split}`]));
      for (const task of ['naturalness', 'technical', 'rationality']) expect(shareOf(task)).toEqual([16, 2, 2]);
      expect(shareOf('mjbench-alignment')).toEqual([0, 0, 30]);
      expect(shareOf('mjbench-safety')).toEqual([0, 0, 30]);
    });

    test('keeps an AGIN image in one split for its three tasks, with the score behind each label', () => {
      const { examples } = paper;
      const agin = examples.filter(({ groupKey }) => groupKey.startsWith('model_'));
      const sides = new Map<string, string>();
      for (const { groupKey, split, label, score = NaN } of agin) {
        expect(sides.get(groupKey) ?? split).toBe(split);
        sides.set(groupKey, split);
        expect(label).toBe(score >= 3 ? 'yes' : 'no');
      }
      expect([agin.length, sides.size]).toEqual([60, 20]);
    });

    test('randomizes the order of MJ-Bench pairs, whose first picture is always the right one', () => {
      const { examples } = paper;
      for (const task of ['mjbench-alignment', 'mjbench-safety']) {
        const first = examples.filter((example) => example.task === task && example.label === 'first').length;
        // 30 fair coins: fewer than one in a thousand draws lies outside.
        expect(first).toBeGreaterThan(5);
        expect(first).toBeLessThan(25);
      }
    });

    test('lists the MJ-Bench caption that is a test prompt of ImageReward, and no other leak', () => {
      const { examples, leaks } = paper;
      const [leak] = leaks;
      expect(leaks).toHaveLength(1);
      const texts = examples
        .filter(({ id }) => leak?.examples.includes(id) === true)
        .flatMap(({ fields }) => Object.values(fields));
      expect(new Set(texts)).toEqual(new Set([sharedPrompt, sharedPrompt.toLowerCase()]));
    });
  });

  test('quarantines AGIN scores of another scale instead of mapping them to "yes"', async () => {
    const other = path.join(folder, 'percent');
    mkdirSync(path.join(other, 'agin'), { recursive: true });
    symlinkSync(path.join(published, 'agin/images'), path.join(other, 'agin/images'));
    const rows = ['filename,MOS_nat,MOS_tech,MOS_rat', 'model_0.png,61.5,70,80', 'model_1.png,72,70,80'];
    writeFileSync(path.join(other, 'agin/mos.csv'), rows.join('\n'));
    await expect(ingested('agin.yaml', [0, 1, 2], { dataFolder: other })).rejects.toMatchObject({
      code: 'DATASET_QUARANTINE_CEILING',
    });
  });

  test('ImageReward as pairs: equal ranks make no pair, the order is random, the lesser rank wins', async () => {
    const { examples, quarantined } = await ingested('imagereward-pairs.yaml', [0, 1], { dataFolder });
    expect(quarantined).toEqual([]);
    // Six pairs of four images, minus the pair of equal ranks; three prompts per file.
    expect(examples.filter(({ split }) => split === 'train')).toHaveLength(15);
    expect(examples.filter(({ split }) => split === 'test')).toHaveLength(15);
    expect(new Set(examples.map(({ label }) => label))).toEqual(new Set(['first', 'second']));
    expect(new Set(examples.map(({ groupKey }) => groupKey)).size).toBe(6);
  });

  test('Pick-a-Pic: the picked picture wins, ties are quarantined', async () => {
    const changes = ['quarantineRateMax=0.5'];
    const { examples, quarantined } = await ingested('pick-a-pic.yaml', [0], { changes, dataFolder });
    expect(quarantined.map(({ code }) => code)).toEqual(Array.from({ length: 10 }, () => 'LABEL_UNKNOWN'));
    expect(examples).toHaveLength(40);
  });

  test('NLVR: the texts "true" and "false" are labels, and a sentence is in one split', async () => {
    const { examples, quarantined } = await ingested('nlvr.yaml', [0, 1], { dataFolder });
    expect(quarantined).toEqual([]);
    expect(countsOf(examples)).toMatchObject({
      ...{ 'nlvr train': { yes: 9, no: 9 }, 'nlvr val': { yes: 1, no: 1 }, 'nlvr test': { yes: 3, no: 3 } },
    });
  });
});

function sum(counts: Readonly<Record<string, number>> = {}): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
