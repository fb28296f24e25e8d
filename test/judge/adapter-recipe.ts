/** Ingests the datasets of shipped adapters from a folder. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ingestDatasets } from '../../judge/datasets/ingest.ts';
import type { QuarantinedRow } from '../../judge/example.ts';
import { loadRecipeFile } from '../../recipes/load.ts';
import type { Recipe } from '../../recipes/recipe.ts';

export interface AdapterIngestion {
  /** Where the recipe is written. */
  readonly folder: string;
  readonly dataFolder: string;
  /** As of `--set`. */
  readonly changes?: readonly string[];
  /** Which of its datasets; default: all. */
  readonly datasetIndices?: readonly number[];
  /** Changes every dataset. */
  readonly each?: (dataset: Recipe['datasets'][number]) => Recipe['datasets'][number];
  /** Receives the quarantined rows; else they are returned. */
  readonly quarantined?: (row: QuarantinedRow) => void;
}

export async function ingestAdapter(adapter: string, options: AdapterIngestion) {
  const { folder, dataFolder, changes = [], datasetIndices, each = (dataset) => dataset, quarantined } = options;
  const file = path.join(folder, 'recipe.yaml');
  const lines = [
    ...['name: adapter', 'policy: { checkpoint: base }', `dataFolder: ${dataFolder}`],
    `include: ['${path.resolve('recipes/adapters', adapter)}']`,
    'arms: { base: { objective: none, mode: think } }',
  ];
  writeFileSync(file, lines.join('\n'));
  const { parsed } = loadRecipeFile(file, changes);
  const datasets = parsed.datasets.filter((_, index) => datasetIndices?.includes(index) ?? true).map(each);
  const tasks = Object.fromEntries(
    Object.entries(parsed.tasks).filter(([task]) =>
      datasets.some((one) => one.reader !== 'judge-world' && one.task === task),
    ),
  );
  const recipe = { ...parsed, tasks, datasets };
  const sink = { image: () => undefined, ...(quarantined && { quarantined }) };
  return { recipe, ...(await ingestDatasets(recipe, sink)) };
}
