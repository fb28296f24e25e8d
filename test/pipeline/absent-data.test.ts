/** `absentData: leave-out`: a run goes on without evaluation data that is not there, and names it. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { projectRoot } from '../../core/project.ts';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { localFiles } from '../../judge/datasets/sources/local-files.ts';
import { createPrepare } from '../../pipeline/data/prepare.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import { absentOf } from '../../recipes/absent-data.ts';
import { loadRecipeFile, parseRecipe } from '../../recipes/load.ts';
import { requireFiles } from '../../recipes/paths.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import { needSharedData } from '../support/needs.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtrl-absent-'));
const store = new ArtifactStore(new FolderObjectStore(join(folder, 'store')));
let png: Buffer;
beforeAll(async () => {
  png = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#123456' } })
    .png()
    .toBuffer();
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, content: string | Buffer): string {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

async function prepared(recipe: unknown) {
  const result = await createPrepare(new JsonCache(store), localFiles)({ recipe, needed: 'data' });
  return { ...result, kept: (await store.getJson(result.recipe)) as Recipe };
}

const benchmarks = (dataFolder: string, ...sets: string[]) =>
  loadRecipeFile(join(projectRoot, 'recipes/judge-benchmarks.yaml'), [`dataFolder=${dataFolder}`, ...sets]);

const judgeBench = (i: number) => ({
  ...{ pair_id: `p${i}`, question: `What is ${i} + 1?`, response_A: `${i + 1}`, response_B: `${i}` },
  label: i % 2 === 0 ? 'A>B' : 'B>A',
});
const lines = (rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join('\n');

describe('recipes/judge-benchmarks.yaml', () => {
  it('evaluates the benchmarks that are there, and names the others with what is missing', async () => {
    write('some/judgebench/a.jsonl', lines(Array.from({ length: 4 }, (_, i) => judgeBench(i))));
    const unseen = { id: 'a', prompt: 'What is it?', chosen: 'a dog', rejected: 'a cat', image: 'img/0.jpg' };
    write('some/vl-rewardbench.jsonl', lines([unseen, { ...unseen, id: 'b' }]));
    const { recipe, parsed } = benchmarks(join(folder, 'some'));
    requireFiles(parsed, 'data');
    const { evaluations, absent = [], kept } = await prepared(recipe);
    expect(evaluations).toEqual([{ task: 'judgebench', split: 'test', ood: true }]);
    expect(Object.keys(kept.tasks)).toEqual(['judgebench']);
    expect(absentOf(kept)).toEqual(absent);
    expect(absent).toHaveLength(parsed.datasets.length - 1);
    const reasonOf = (task: string) => absent.find((each) => each.task === task)?.reason;
    expect(reasonOf('hpdv3')).toMatch(/^there is no (file|folder) .*hpdv3/);
    expect(reasonOf('rewardbench-2')).toMatch(/^there is no file that fits .*test-\*\.parquet/);
    expect(reasonOf('vl-rewardbench')).toMatch(/^none of the first 2 rows has what its task shows: .*img\/0\.jpg/);
    const { examples } = await ingestDatasets(kept, { image: () => undefined });
    expect(examples).toHaveLength(4);
  });

  it('is refused if nothing is there', async () => {
    mkdirSync(join(folder, 'empty'));
    await expect(prepared(benchmarks(join(folder, 'empty')).recipe)).rejects.toMatchObject({
      code: 'DATASET_EMPTY',
      details: { where: 'absentData', found: expect.stringContaining('hpdv3: ') as string },
    });
  });

  it('is refused for the first file that is not there, without absentData', () => {
    const { parsed } = benchmarks(join(folder, 'some'), 'absentData=[]');
    expect(() => {
      requireFiles(parsed, 'data');
    }).toThrow(/hpdv3/);
  });
});

const { found: data = '', isMissing } = needSharedData('judge-benchmarks');

describe.skipIf(isMissing)('published rows', () => {
  it('of VL-RewardBench with pictures are evaluated; those of four other benchmarks, without, are named', async () => {
    const target = join(folder, 'published');
    cpSync(join(data, 'judge-benchmarks'), target, { recursive: true });
    const rows = readFileSync(join(target, 'vl-rewardbench.jsonl'), 'utf8').trim().split('\n');
    for (const row of rows) write(join('published', (JSON.parse(row) as { image: string }).image), png);
    const { evaluations, absent = [], kept } = await prepared(benchmarks(target).recipe);
    expect(evaluations.map(({ task }) => task)).toEqual(['vl-rewardbench']);
    const countOf = (reason: RegExp): number => absent.filter((each) => reason.test(each.reason)).length;
    // GenAI-Bench (twice) and EditReward have more than 200 rows, MM-RLHF-RewardBench 170.
    expect(countOf(/^none of the first 200 rows/)).toBe(3);
    expect(countOf(/^none of the first 170 rows/)).toBe(1);
    expect(countOf(/^there is no folder .*frames/)).toBe(4);
    const { examples, quarantinedCount } = await ingestDatasets(kept, { image: () => undefined });
    expect([examples.length, quarantinedCount]).toEqual([1250, 0]);
  });
});

describe('absentData', () => {
  const text = { kind: 'pointwise', labels: ['yes', 'no'], prompt: '{{ text }}' };
  const rows = (task: string, split: string, path: string) => ({
    ...{ reader: 'jsonl', task, split, path, fields: { images: [], prompt: ['text'] } },
  });
  const recipe = (train: string, other: string) => ({
    name: 'absent',
    policy: { checkpoint: '/nowhere' },
    tasks: { own: text, other: { ...text, ood: true } },
    datasets: [
      ...['train', 'test'].map((split) => rows('own', split, train)),
      rows('other', 'test', other),
      rows('other', 'test', train),
    ],
    arms: { sft: { objective: 'sft', mode: 'direct', stepCount: 1, optimizer: { learningRate: 1e-3 } } },
    evaluation: { tasks: ['own', 'other'] },
    absentData: 'leave-out',
  });

  it('leaves out one of the datasets of a task, and keeps the task for the others', async () => {
    const there = write('there.jsonl', lines([{ id: 'a', text: 'a', label: 'yes' }]));
    const { kept, absent } = await prepared(recipe(there, join(folder, 'gone.jsonl')));
    expect(absent).toMatchObject([{ task: 'other', path: join(folder, 'gone.jsonl') }]);
    expect([Object.keys(kept.tasks).sort(), kept.datasets.length]).toEqual([['other', 'own'], 3]);
  });

  it('never leaves out data that an arm trains on', async () => {
    const gone = join(folder, 'gone.jsonl');
    await expect(prepared(recipe(gone, gone))).rejects.toMatchObject({ code: 'FILE_MISSING' });
  });

  it('is refused beside a promotion', () => {
    const promotion = { name: 'judge', arm: 'sft' };
    expect(() => parseRecipe({ ...recipe('a.jsonl', 'b.jsonl'), promotion })).toThrow(
      'absentData: found "leave-out"; allowed: nothing, because a promotion compares scores on all of the data',
    );
  });
});
