/** Published judge benchmarks through their adapters: every row is an example or quarantined, and no judge that reads nothing is flattered. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import { projectRoot } from '../../core/project.ts';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import type { JudgedExample } from '../../judge/evaluation/metric.ts';
import { taskScores } from '../../judge/evaluation/scores.ts';
import type { Example, QuarantinedRow } from '../../judge/example.ts';
import { ordersOf, otherOrders } from '../../judge/tasks/reorder.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import { needSharedData } from '../support/needs.ts';
import { ingestAdapter } from './adapter-recipe.ts';

const { found, isMissing } = needSharedData('judge-benchmarks');

async function ingested(file: string, sets: readonly string[] = [], isPublishedOrder = false) {
  const { parsed } = loadRecipeFile(join(projectRoot, 'recipes', file), sets);
  const datasets = parsed.datasets.map((dataset) => ({
    ...dataset,
    ...(isPublishedOrder && { randomOrderSeed: undefined }),
  }));
  const recipe = { ...parsed, datasets };
  return { recipe, ...(await ingestDatasets(recipe, { image: () => undefined })) };
}

describe.skipIf(isMissing)('benchmarks without their pictures', () => {
  test.each([
    ['vl-rewardbench-blind', 1250, 0.4264, { hallucination: 749, reasoning: 318, general: 183 }, undefined],
    ['mm-rlhf-rewardbench-blind', 170, 0.7235, { mcq: 42, long: 37, short: 34, safety: 32, null: 25 }, 46],
  ])('%s: "first" is right only in the published order', async (task, rowCount, longest, counts, idCount) => {
    const alwaysFirst = async (isPublishedOrder: boolean) => {
      const { recipe, examples, quarantined } = await ingested('judge-benchmarks-blind.yaml', [], isPublishedOrder);
      const own = examples.filter((example) => example.task === task);
      const lost = quarantined.filter(({ source }) => source.includes(task.replace('-blind', '')));
      expect(own.length + lost.length).toBe(rowCount);
      expect(lost).toEqual([]);
      const spec = required(recipe.tasks[task], task);
      const judgment = { ok: true, verdict: 'first', rationale: '' } as const;
      const judged = own.flatMap((example: Example): JudgedExample[] => [
        { example, judgment },
        ...otherOrders(example, spec).map((turned) => ({
          ...{ example: turned, judgment },
          reordered: { of: example.id, order: required(ordersOf(example, spec)[1], 'the other order') },
        })),
      ]);
      return taskScores({ task, spec, split: 'test', judged, resampleCount: 20, seed: 0 });
    };
    const published = await alwaysFirst(true);
    expect(published.baselines).toMatchObject({ alwaysFirst: 1 });
    expect(published).toMatchObject({ accuracy: 0.5, consistencyRate: 0 });
    const drawn = await alwaysFirst(false);
    // Three standard errors of fair coins.
    expect(Math.abs((drawn.baselines?.alwaysFirst ?? NaN) - 0.5)).toBeLessThan(1.5 / Math.sqrt(rowCount));
    expect(drawn).toMatchObject({ accuracy: 0.5, consistencyRate: 0 });
    const categories = drawn.slices?.map(({ field, values }) => [
      field,
      Object.fromEntries(values.map(({ value, exampleCount }) => [value, exampleCount])) as object,
    ]);
    expect(categories).toEqual([['category', counts]]);
    // As many groups as ids; none of them is right in both orders.
    if (idCount !== undefined) expect(drawn.accPlus).toEqual({ groupCount: idCount, rate: 0 });
    expect(drawn.headline).toMatchObject({ value: 0.5 });
    // The order changes nothing about lengths; equal ones count by chance.
    expect(drawn.baselines?.longest).toBeCloseTo(longest, 2);
    expect((drawn.baselines?.longest ?? 0) + (drawn.baselines?.shortest ?? 0)).toBeCloseTo(1, 9);
  });
});

describe.skipIf(isMissing)('benchmarks whose pictures are not there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mtrl-judge-benchmarks-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test.each([
    ['edit-reward.yaml', 1, 503],
    ['genai-bench.yaml', 2, 1735 + 919],
    ['mm-rlhf-rewardbench.yaml', 1, 170],
    // Twelve rows, for each of its four tasks.
    ['videogen-rewardbench.yaml', 4, 4 * 12],
    ['vl-rewardbench.yaml', 1, 1250],
  ])('%s: every row is in quarantine, with its reason', async (adapter, datasetCount, rowCount) => {
    const lost: QuarantinedRow[] = [];
    const dataFolder = join(found ?? '', 'judge-benchmarks');
    const folders = Array.from({ length: datasetCount }, (_, i) => `datasets.${String(i)}.imageFolder=${dataFolder}`);
    const changes = ['quarantineRateMax=1', ...folders];
    const ingestion = ingestAdapter(adapter, { folder, dataFolder, changes, quarantined: (row) => lost.push(row) });
    await expect(ingestion).rejects.toMatchObject({ code: 'DATASET_EMPTY' });
    expect(lost).toHaveLength(rowCount);
    expect(lost.every(({ reason }) => reason !== '')).toBe(true);
    const counts = new Map<string, number>();
    for (const { code } of lost) counts.set(code, (counts.get(code) ?? 0) + 1);
    // MM-RLHF has rows about videos, which name no picture.
    expect([...counts.keys()].filter((code) => code !== 'IMAGE_MISSING' && code !== 'FIELD_MISSING')).toEqual([]);
  });
});
