/** Balanced batches from files on disk to the plan of a run: labels are those that a prompt shows. */
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { createIngest } from '../../pipeline/data/ingest.ts';
import { datasetFormat, openDataset } from '../../pipeline/data/dataset-artifact.ts';
import { createMix } from '../../pipeline/data/mix.ts';
import { plannedStep } from '../../pipeline/data/mixture-plan.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import { classOf } from '../../judge/kinds/table.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { recipeOf } from '../judge/recipes.ts';
import { callerWith } from '../support/caller.ts';

let root: string;
let cache: JsonCache;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtrl-balanced-'));
  cache = new JsonCache(new ArtifactStore(new FolderObjectStore(join(root, 'store'))));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const tasks = {
  // One `yes` in ten rows.
  holds: { kind: 'pointwise', labels: ['yes', 'no'], prompt: '{{ text }}' },
  // The first is always better, until the order of candidates is randomized.
  better: { kind: 'pairwise', labels: ['first', 'second'], prompt: '{{ candidates[0] }} {{ candidates[1] }}' },
  stars: { kind: 'score', labels: ['1', '2', '3'], real: true, prompt: '{{ text }}' },
  order: {
    kind: 'ranking',
    labels: ['A', 'B', 'C'],
    prompt: '{{ candidates[0] }} {{ candidates[1] }} {{ candidates[2] }}',
  },
  both: { kind: 'criteria', labels: ['yes', 'no'], criteria: { clear: null, safe: null }, prompt: '{{ text }}' },
} as const;

const labels: Readonly<Record<keyof typeof tasks, (i: number) => Record<string, unknown>>> = {
  holds: (i) => ({ label: i % 10 === 0 ? 'yes' : 'no' }),
  better: (i) => ({ label: 'first', a: `a ${String(i)}`, b: `b ${String(i)}` }),
  stars: (i) => ({ label: i % 7 === 0 ? 2.8 : 1.1 + (i % 5) / 10 }),
  order: (i) => ({
    ...{ a: `a ${String(i)}`, b: `b ${String(i)}`, c: `c ${String(i)}` },
    label: i % 4 === 0 ? 'B > A > C' : i % 4 === 1 ? 'A > C > B' : 'A > B > C',
  }),
  both: (i) => ({ clear: i % 3 === 0 ? 'yes' : 'no', safe: 'yes' }),
};

const fields = (task: string) =>
  ({
    better: { label: 'label', candidates: ['a', 'b'] },
    order: { label: 'label', candidates: ['a', 'b', 'c'] },
    both: { label: { criteria: { clear: 'clear', safe: 'safe' } } },
  })[task] ?? { label: 'label' };

const rowCount = 60;

function recipeWith(balance: 'label' | 'none') {
  const datasets = Object.keys(tasks).map((task) => {
    const rows = Array.from({ length: rowCount }, (_, i) =>
      JSON.stringify({
        id: `${task} ${String(i)}`,
        text: `${task} ${String(i)}`,
        ...labels[task as keyof typeof tasks](i),
      }),
    );
    const path = join(root, `${task}.jsonl`);
    writeFileSync(path, rows.join('\n'));
    const order = task === 'better' ? { randomOrderSeed: 1 } : {};
    return {
      reader: 'jsonl',
      path,
      task,
      split: 'train',
      imageFolder: root,
      fields: { images: [], prompt: ['text'], ...fields(task) },
      ...order,
    };
  });
  const arm = {
    ...{ objective: 'sft', mode: 'direct', stepCount: 36, exampleCountPerStep: 25, optimizer: { learningRate: 1 } },
    mixture: { strategy: 'uniform', balance },
  };
  return recipeOf({ tasks, datasets, arms: { sft: arm } } as unknown as RecipeInput);
}

async function classesPerTask(balance: 'label' | 'none') {
  const recipe = await cache.put(recipeWith(balance));
  const deps = { store: cache.store, codeVersion: () => 'code', log: pino({ level: 'silent' }) };
  const { dataset } = await createIngest(deps, cache)({ recipe }, callerWith());
  const { plan } = await createMix(deps, cache)({ recipe, dataset, arm: 'sft', seed: 3 });
  const opened = await openDataset(cache, dataset);
  const counts: Record<string, Record<string, number>> = {};
  for (let step = 0; step < 36; step++) {
    const { rows } = await plannedStep(cache, plan, step);
    for (const { task, label } of await opened.examplesAt(rows)) {
      const ofTask = (counts[task] ??= {});
      const itsClass = classOf(tasks[task as keyof typeof tasks], label);
      ofTask[itsClass] = (ofTask[itsClass] ?? 0) + 1;
    }
  }
  return { counts, artifact: await cache.getDocument(dataset, datasetFormat), dataset };
}

it('draws each label of each kind of task equally often, after the order of candidates is randomized', async () => {
  const { counts, artifact, dataset } = await classesPerTask('label');
  expect(counts).toEqual({
    holds: { yes: 90, no: 90 },
    better: { first: 90, second: 90 },
    stars: { '1': 90, '3': 90 },
    order: { A: 90, B: 90 },
    // Criteria are drawn as the data has them: 3 epochs of 60 rows.
    both: { 'clear: yes, safe: yes': 60, 'clear: no, safe: yes': 120 },
  });
  const column = await cache.getBytes(artifact.classes?.ofRow ?? dataset);
  expect(column.byteLength).toBe(2 * artifact.exampleCount);
  expect([...(artifact.classes?.names ?? [])].sort()).toEqual(['1', '3', 'A', 'B', 'first', 'no', 'second', 'yes']);
});

it('draws labels as the data has them by default, from the same dataset', async () => {
  const balanced = await classesPerTask('label');
  const { counts, dataset } = await classesPerTask('none');
  expect(dataset.sha256).toBe(balanced.dataset.sha256);
  expect(counts['holds']).toEqual({ yes: 18, no: 162 });
});

it('says what to do with a dataset that was stored without classes', async () => {
  const { artifact } = await classesPerTask('label');
  const { classes: _classes, ...former } = artifact;
  const opened = await openDataset(cache, await cache.put(former));
  await expect(opened.classes()).rejects.toMatchObject({ code: 'ARTIFACT_MISSING' });
});
