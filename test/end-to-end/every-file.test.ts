/** `mtrl ingest` on every file of ../shared/data beside the checkout; skipped with a reason if the data is missing. */
import { readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openArtifactStore } from '../../artifacts/store/open-store.ts';
import type { Leak } from '../../judge/datasets/joining/leaks.ts';
import { projectRoot } from '../../core/project.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import { needSharedData } from '../support/needs.ts';
import { mtrlJsonAt } from './command-line.ts';
import { WholeStack } from './whole-stack.ts';

const data = join(projectRoot, '..', 'shared', 'data');
const { isMissing } = needSharedData('text-label-sets');
const recipeFile = join(projectRoot, 'recipes', 'every-file.yaml');

/** Rows of each task, as counted by the publishers; ImageReward has one per picture of its 466 prompts. */
const rowCounts = {
  ...{ shows: 1684, 'shows-edges': 236, 'shows-silhouettes': 202, clear: 830, style: 1290 },
  ...{ pair: 842, 'pair-edges': 118, 'pair-silhouettes': 101, nlvr: 1989 },
  ...{ 'image-struct': 60, 'image-list': 60, webdataset: 60, 'image-struct-pair': 40, 'binary-columns-pair': 40 },
  ...{ mjbench: 916, imagereward: 2720, tifa: 800, cxc: 5000 },
};
const rowCount = Object.values(rowCounts).reduce((sum, count) => sum + count, 0);

interface Ingested {
  readonly tasks: readonly { readonly task: string; readonly exampleCount: number }[];
  readonly leaks: string;
}

function countsOf({ tasks }: Ingested): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { task, exampleCount } of tasks) counts[task] = (counts[task] ?? 0) + exampleCount;
  return counts;
}

async function leaksAt(stack: WholeStack, uri: string): Promise<readonly Leak[]> {
  const store = openArtifactStore(stack.settings.s3);
  const bytes = await store.objects.get(store.objects.keyOf(uri));
  return JSON.parse(Buffer.from(bytes ?? []).toString()) as readonly Leak[];
}

describe.skipIf(isMissing)('real files in every format', () => {
  it('reads every data file in each folder that the recipe names', () => {
    const read = loadRecipeFile(recipeFile, []).parsed.datasets.map((spec) => ('path' in spec ? spec.path : ''));
    const folders = new Set(read.map((file) => relative(data, file).split(sep)[0]));
    const files = readdirSync(data, { recursive: true, encoding: 'utf8' });
    const ofFolders = files.filter((name) => folders.has(name.split(sep)[0]));
    const ofRows = ofFolders.filter((name) => /\.(jsonl|json|csv|parquet|tar)$/.test(name));
    expect(read.map((file) => relative(data, file)).sort()).toEqual(ofRows.sort());
  });

  it('ingests or quarantines every row, names leaks, and does not read unchanged datasets again', async () => {
    const stack = await WholeStack.start();
    try {
      const first = await mtrlJsonAt(stack.home, 'ingest', recipeFile);
      expect(first).toMatchObject({
        rowCount,
        exampleCount: rowCount,
        quarantinedCount: 0,
        imageCount: 1290 + 1988 + 75,
      });
      expect(first).toMatchObject({ cached: false, datasets: { hits: 0, misses: 22 } });
      expect(countsOf(first as unknown as Ingested)).toEqual(rowCounts);
      const leaks = await leaksAt(stack, (first as unknown as Ingested).leaks);
      const between = (one: string, other: string): number =>
        leaks.filter(({ kind, examples }) => {
          const tasks = new Set(examples.map((id) => id.split('/')[0]));
          return kind === 'text' && tasks.has(one) && tasks.has(other);
        }).length;
      expect(between('mjbench', 'imagereward')).toBe(129);

      // The same rows with other leak settings: captions are not compared.
      const second = await mtrlJsonAt(stack.home, 'ingest', recipeFile, '--set', 'leaks.textFields=[prompt]');
      expect(second).toMatchObject({ rowCount, cached: false, datasets: { hits: 22, misses: 0 } });
      expect(second['leakCount']).toBe(leaks.filter(({ kind }) => kind !== 'text').length);
    } finally {
      await stack.stop();
    }
  });
});
