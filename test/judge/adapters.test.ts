/** The shipped adapters on real rows, where they are present beside the checkout (../shared/data); skipped, saying so, elsewhere. */
import { existsSync, mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import { loadRecipeFile } from '../../recipes/load.ts';

const data = path.resolve(fileURLToPath(import.meta.url), '../../../../shared/data');
const isThere = existsSync(path.join(data, 'nlvr')) && existsSync(path.join(data, 'format-fixtures'));
if (!isThere) console.log(`skipped: no ${data}, so the adapters are not tried on real rows`);

const folder = mkdtempSync(path.join(tmpdir(), 'mtrl-adapters-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What a recipe of that one adapter takes in; datasets whose files are not there are left out. */
async function ingested(adapter: string, datasetIndices: readonly number[], changes: readonly string[] = []) {
  const file = path.join(folder, 'recipe.yaml');
  const lines = [
    ...['name: adapter', 'policy: { checkpoint: base }', `dataFolder: ${folder}`],
    `include: ['${path.resolve('recipes/adapters', adapter)}']`,
    'arms: { base: { objective: none, mode: think } }',
  ];
  writeFileSync(file, lines.join('\n'));
  const { parsed } = loadRecipeFile(file, changes);
  const datasets = parsed.datasets.filter((_, index) => datasetIndices.includes(index));
  const tasks = Object.fromEntries(
    Object.entries(parsed.tasks).filter(([task]) =>
      datasets.some((one) => one.reader !== 'judge-world' && one.task === task),
    ),
  );
  return ingestDatasets({ ...parsed, tasks, datasets }, { image: () => undefined });
}

function link(from: string, to: string): void {
  const place = path.join(folder, to);
  mkdirSync(path.dirname(place), { recursive: true });
  symlinkSync(path.join(data, from), place);
}

describe.skipIf(!isThere)('adapters', () => {
  test('NLVR: every row becomes an example, and no sentence is on two sides of the split', async () => {
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
  }, 60_000);

  test('SeeTRUE’s shape: 0 and 1 of a parquet file are no and yes', async () => {
    link('format-fixtures/hf_image_pointwise.parquet', 'seetrue/test.parquet');
    const { examples, quarantined } = await ingested('seetrue.yaml', [0]);
    expect([examples.length, quarantined.length]).toEqual([60, 0]);
    expect(new Set(examples.map(({ label }) => label))).toEqual(new Set(['yes', 'no']));
  }, 60_000);

  test('MJ-Bench: a label that is always 0 is in both places once the order is drawn', async () => {
    link('format-fixtures/mjbench_pairwise.parquet', 'mjbench/alignment-0.parquet');
    const { examples } = await ingested('mjbench.yaml', [0]);
    expect(examples).toHaveLength(40);
    const first = examples.filter(({ label }) => label === 'first').length;
    expect(first).toBeGreaterThan(8);
    expect(first).toBeLessThan(32);
  }, 60_000);

  test('Pick-a-Pic: the greater label wins, ties are set aside', async () => {
    link('format-fixtures/pickapic_binary_cols.parquet', 'pick-a-pic/0.parquet');
    const { examples, quarantined } = await ingested('pick-a-pic.yaml', [0], ['quarantineRateMax=0.5']);
    expect(examples.length + quarantined.length).toBe(40);
    expect(new Set(quarantined.map(({ code }) => code)).size).toBeLessThanOrEqual(1);
  }, 60_000);
});
