/** Reads a recipe's datasets into typed examples in memory, for datasets that fit. */
import { required } from '../../core/assert.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { Example, LeftOutRow, QuarantinedRow } from '../example.ts';
import { type IngestProgress, joinDatasets } from './joining/join.ts';
import type { Leak } from './joining/leaks.ts';
import { localFiles } from './sources/local-files.ts';
import { readDataset, type TakeImage } from './read-dataset.ts';
import type { RowPlace } from './reading.ts';
import type { SourceFiles } from './sources/source-files.ts';

export interface Ingestion {
  /** Examples in the order of the recipe's datasets and their rows; ids are unique. */
  readonly examples: readonly Example[];
  /** Quarantined rows; empty if the sink takes them. */
  readonly quarantined: readonly QuarantinedRow[];
  readonly quarantinedCount: number;
  /** Rows that the recipe leaves out on purpose. */
  readonly leftOut: readonly LeftOutRow[];
  readonly leaks: readonly Leak[];
}

export interface IngestSink {
  readonly image: TakeImage;
  /** Receives the quarantined rows one by one, so that they need no memory; if omitted, they are returned. */
  readonly quarantined?: (row: QuarantinedRow) => void | Promise<void>;
}

/**
 * Reads every dataset of the recipe. Paths must be absolute or relative to the working directory. Throws the errors of
 * joinDatasets, and FILE_MISSING.
 */
export async function ingestDatasets(
  recipe: Recipe,
  { image, quarantined }: IngestSink,
  onProgress?: (progress: IngestProgress) => void,
  files: SourceFiles = localFiles,
): Promise<Ingestion> {
  const stored = new Set<string>();
  const examples: Example[] = [];
  const places: RowPlace[] = [];
  const rejected: QuarantinedRow[] = [];
  const leftOut: LeftOutRow[] = [];
  const sink = {
    quarantined: quarantined ?? ((row: QuarantinedRow) => void rejected.push(row)),
    leftOut: (row: LeftOutRow) => void leftOut.push(row),
    example: (example: Example) => void examples.push(example),
    idsAt: (rows: Uint32Array) => Promise.resolve(Array.from(rows, (row) => required(examples[row], 'an example').id)),
    place: (place: RowPlace) => void places.push(place),
    places: () => places,
  };
  const { splits, leaks, quarantinedCount } = await joinDatasets(
    recipe,
    (spec) => readDataset(recipe, spec, files, image, stored),
    sink,
    onProgress,
  );
  const settled = examples.flatMap((example, row) => {
    const split = splits.at(row);
    return split === undefined ? [] : [{ ...example, split }];
  });
  return { examples: settled, quarantined: rejected, quarantinedCount, leftOut, leaks };
}
