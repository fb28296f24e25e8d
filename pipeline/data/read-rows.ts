/** Reads a file of rows to judge as a dataset like any other: examples, images, and a table of unusable rows. */
import { dirname, resolve } from 'node:path';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { MtrlError } from '../../core/errors.ts';
import { excerptOf, rejectedRow, UnusableRow } from '../../judge/datasets/reading.ts';
import { readRowsToJudge, type RowsSource, type TaskOfRows } from '../../judge/datasets/rows/rows-to-judge.ts';
import { poolsOf } from '../../judge/datasets/joining/pools.ts';
import { RowFacts } from '../../judge/datasets/rows/row-facts.ts';
import { SplitColumn } from '../../judge/datasets/rows/split-column.ts';
import { parseRecipe } from '../../recipes/load.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { ReadRowsInput, ReadRowsResult } from '../../contract/judged-rows.ts';
import { DatasetWriter } from './dataset-writer.ts';
import { ImagePacker } from './image-packer.ts';
import type { JsonCache } from '../json-cache.ts';
import { JsonLines } from './json-lines.ts';
import { taskOf } from '../recipe-access.ts';
import type { Caller } from '../heartbeat.ts';

/**
 * Has no cache key, because it must look at the files each time; equal rows give equal refs. Uses only the recipe's
 * task, its image mark and mode words: its datasets need not exist. Throws RECIPE_INVALID, NOT_FOUND, FILE_MISSING, DATASET_EMPTY.
 */
export function createReadRows(cache: JsonCache) {
  return async (input: ReadRowsInput, caller: Caller): Promise<ReadRowsResult> => {
    const recipe = parseRecipe(input.recipe);
    const { task } = input;
    const source: RowsSource = {
      ...taskOfRows(recipe, task),
      file: input.file,
      imageFolder: input.imageFolder ?? dirname(resolve(input.file)),
    };
    const { dataset, ...found } = await rowsToDataset(cache, source, caller);
    return { recipe: await cache.putRecipe(recipe), dataset, ...found };
  };
}

/** How the recipe shows rows of a task that no dataset holds. Throws NOT_FOUND. */
export function taskOfRows(recipe: Recipe, task: string): TaskOfRows {
  const marked = recipe.datasets.find((spec) => spec.reader !== 'judge-world' && spec.task === task);
  const imageMark = marked?.reader === 'judge-world' ? undefined : marked?.imageMark;
  return {
    task,
    modeWords: recipe.modeWords,
    spec: taskOf(recipe, task),
    ...(imageMark !== undefined && { imageMark }),
  };
}

async function rowsToDataset(cache: JsonCache, source: RowsSource, caller: Caller) {
  const packer = new ImagePacker(cache);
  const table = new JsonLines();
  const writer = new DatasetWriter(cache);
  const facts = new RowFacts({ datasets: [], leaks: { action: 'report', textFields: [], candidateTexts: false } });
  const kept = new Set<string>();
  let quarantinedCount = 0;
  try {
    for await (const { row, text, outcome } of readRowsToJudge(source)) {
      caller.heartbeat();
      if (outcome instanceof UnusableRow) {
        quarantinedCount++;
        await table.add(rejectedRow({ source: source.file, row, excerpt: excerptOf(text) }, outcome));
        continue;
      }
      facts.add(outcome.example, 0);
      await writer.add(outcome.example);
      for (const { sha256, bytes } of outcome.images) {
        if (bytes === undefined || kept.has(sha256)) continue;
        kept.add(sha256);
        await packer.add(sha256, bytes);
      }
    }
    const quarantineRef = await table.store(cache.store);
    if (facts.rowCount === 0) throw noRows(source, quarantinedCount, quarantineRef);
    const counts = { exampleCount: facts.rowCount, quarantinedCount };
    const dataset = await writer.store({
      ...{ pools: poolsOf(facts, new SplitColumn(facts)), packs: await packer.finish() },
      ...{ quarantine: quarantineRef, leaks: null, ...counts, imageCount: packer.imageCount },
    });
    return { dataset, ...counts, ...(quarantineRef && { quarantine: quarantineRef }) };
  } finally {
    await table.close();
  }
}

function noRows({ file }: RowsSource, count: number, table: ArtifactRef | null): MtrlError {
  const found = table === null ? 'no row' : `${String(count)} rows, none of them usable`;
  const hint = table === null ? undefined : `\`mtrl fetch ${table.uri}\` prints each with its reason`;
  return new MtrlError('DATASET_EMPTY', 'there are no rows to judge', { where: file, found, ...(hint && { hint }) });
}
