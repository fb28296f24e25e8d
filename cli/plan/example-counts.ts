/** How many examples each task has in each split, before anything is ingested, and how that is known. */
import { MtrlError } from '../../core/errors.ts';
import { readers } from '../../judge/datasets/readers/table.ts';
import { voteRows } from '../../judge/datasets/rows/vote-rows.ts';
import { localFiles } from '../../judge/datasets/sources/local-files.ts';
import type { DatasetSpec, Recipe, RowsSpec } from '../../recipes/recipe.ts';
import { hasSplit, tasksOfDataset } from '../../recipes/task-sets.ts';

const splits = ['train', 'val', 'test'] as const;
export type Split = (typeof splits)[number];

/** recipe: the recipe draws them; files: rows of files on this machine; given: by --examples; assumed: by --assume. */
type CountSource = 'recipe' | 'files' | 'given' | 'assumed';

export interface ExampleCount {
  readonly task: string;
  readonly split: Split;
  readonly count: number;
  readonly source: CountSource;
}

export interface CountOptions {
  /** By `TASK.SPLIT`. */
  readonly given: ReadonlyMap<string, number>;
  /** Examples per dataset entry and split whose rows are not on this machine. */
  readonly assumedCount: number;
}

/** Rows of files are counted as examples: what would be quarantined is not known before ingestion. */
export async function exampleCounts(recipe: Recipe, { given, assumedCount }: CountOptions): Promise<ExampleCount[]> {
  requireKnown(recipe, given);
  const counts = new Map<string, ExampleCount>();
  for (const dataset of recipe.datasets) {
    const rowCount = needsReading(dataset, given) ? await rowCountOf(dataset) : undefined;
    for (const task of tasksOfDataset(dataset))
      for (const split of splits.filter((name) => hasSplit(dataset, name))) {
        const key = `${task}.${split}`;
        const said = given.get(key);
        const known = counts.get(key);
        const { source, count } = countIn(dataset, split, rowCount, assumedCount);
        if (said !== undefined) counts.set(key, { task, split, source: 'given', count: said });
        else if (known === undefined) counts.set(key, { task, split, source, count });
        else {
          const isAssumed = [source, known.source].includes('assumed');
          counts.set(key, { ...known, source: isAssumed ? 'assumed' : source, count: known.count + count });
        }
      }
  }
  return [...counts.values()];
}

export function countOf(counts: readonly ExampleCount[], task: string, split: Split): number {
  return counts.find((one) => one.task === task && one.split === split)?.count ?? 0;
}

function countIn(
  dataset: DatasetSpec,
  split: Split,
  rowCount: number | undefined,
  assumedCount: number,
): Pick<ExampleCount, 'source' | 'count'> {
  if (dataset.reader === 'judge-world') return { source: 'recipe', count: dataset.exampleCount };
  if (rowCount === undefined) return { source: 'assumed', count: assumedCount };
  const share = typeof dataset.split === 'string' ? 1 : dataset.split[split];
  return { source: 'files', count: Math.round(share * rowCount) };
}

/** Files whose counts are all given are not read. */
function needsReading(dataset: DatasetSpec, given: ReadonlyMap<string, number>): dataset is RowsSpec {
  if (dataset.reader === 'judge-world') return false;
  return splits.some((split) => hasSplit(dataset, split) && !given.has(`${dataset.task}.${split}`));
}

/** Undefined if the files are not on this machine. */
async function rowCountOf(dataset: RowsSpec): Promise<number | undefined> {
  if (/^[a-z][a-z0-9+.-]*:/i.test(dataset.path)) return undefined;
  let count = 0;
  try {
    for await (const _ of voteRows(readers[dataset.reader](localFiles, dataset), dataset)) count++;
  } catch (error) {
    if (error instanceof MtrlError && error.code === 'FILE_MISSING') return undefined;
    throw error;
  }
  return count;
}

function requireKnown({ datasets }: Recipe, given: ReadonlyMap<string, number>): void {
  const known = datasets.flatMap((dataset) =>
    tasksOfDataset(dataset).flatMap((task) =>
      splits.filter((split) => hasSplit(dataset, split)).map((split) => `${task}.${split}`),
    ),
  );
  for (const key of given.keys())
    if (!known.includes(key))
      throw new MtrlError('USAGE', 'the recipe has no such examples', {
        where: '--examples',
        found: key,
        hint: `name one of ${[...new Set(known)].join(', ')}`,
      });
}
