/**
 * The dataset artifact of ingestion: examples in a fixed order, in shards that are read by row; one column with the
 * pool of each row, one with the class of its label; images in packs. A reader's memory grows by 6 bytes per row, and
 * by 2 more where a mixture is balanced, whatever the size of the rows.
 */
import type { Format } from '../../artifacts/format.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { type RowTable, rowsAt } from '../../artifacts/codecs/row-table.ts';
import { required } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import { type DatasetPool, poolOfDropped } from '../../judge/datasets/joining/pools.ts';
import { noClass } from '../../judge/datasets/joining/row-classes.ts';
import type { Example, Split } from '../../judge/example.ts';
import type { ImageTable } from './image-table.ts';
import type { JsonCache } from '../json-cache.ts';

/** Stored as JSON. */
export interface DatasetArtifact {
  readonly schema: 2;
  /** Rows of StoredExample; plans and rollouts refer to examples by row. */
  readonly examples: RowTable;
  /** One uint16 per row, little-endian: index into `pools`, or `poolOfDropped`. */
  readonly poolOfRow: ArtifactRef;
  /** The pools (task and split) of the rows. Their counts are those of ingestion and include inadmissible rows. */
  readonly pools: readonly DatasetPool[];
  /** `ofRow`: one uint16 per row, little-endian: index into `names`, or `noClass`. Datasets of earlier versions lack it. */
  readonly classes?: { readonly names: readonly string[]; readonly ofRow: ArtifactRef };
  /** JSON array of rows, ascending, that cannot be shown to the policy and are never drawn; null if there are none. */
  readonly inadmissible: ArtifactRef | null;
  readonly images: ImageTable;
  /** JSON Lines of QuarantinedRow; null if every row was usable. */
  readonly quarantine: ArtifactRef | null;
  /** JSON array of Leak; null if there are none. */
  readonly leaks: ArtifactRef | null;
  readonly exampleCount: number;
  readonly imageCount: number;
  readonly quarantinedCount: number;
  /** Rows that the recipe leaves out on purpose. Earlier versions had them in the quarantine table. */
  readonly leftOutCount?: number;
}

/** A row of the table; its split is that of its pool. */
export type StoredExample = Omit<Example, 'split'>;

export interface OpenDataset {
  readonly artifact: DatasetArtifact;
  /** The task's rows of the split that may be drawn, ascending: neither dropped nor inadmissible. */
  rowsOf(task: string, split: Split): Promise<Uint32Array>;
  /** Looks up the class of a row's label: '' if the labels of its task are not classes. */
  classes(): Promise<(row: number) => string>;
  /** Examples in the requested order. Throws INVARIANT for a row that the dataset does not have. */
  examplesAt(rows: ArrayLike<number>): Promise<readonly Example[]>;
  /** All rows that may be drawn, of every pool, ascending, in batches of at most `rowCountMax`. */
  eachBatch(rowCountMax?: number): AsyncGenerator<DatasetBatch>;
}

export interface DatasetBatch {
  readonly rows: Uint32Array;
  /** One per row. */
  readonly examples: readonly Example[];
}

export const datasetFormat: Format<DatasetArtifact> = {
  what: 'the dataset',
  schema: 2,
  again: 'run the experiment again to ingest its datasets again',
};

/** Throws ARTIFACT_MISSING, ARTIFACT_CORRUPT, FORMAT_UNSUPPORTED, as do its methods. */
export async function openDataset(cache: JsonCache, ref: ArtifactRef): Promise<OpenDataset> {
  const artifact = await cache.getDocument(ref, datasetFormat);
  const examplesAt = async (rows: ArrayLike<number>): Promise<readonly Example[]> => {
    const [stored, poolOfRow] = await Promise.all([
      rowsAt<StoredExample>(cache, artifact.examples, rows),
      uint16Column(cache, artifact.poolOfRow),
    ]);
    return stored.map((example, i) => {
      const pool = artifact.pools[poolOfRow[rows[i] ?? -1] ?? poolOfDropped];
      return { ...example, split: required(pool, `the pool of ${example.id}`).split };
    });
  };
  return {
    artifact,
    examplesAt,
    rowsOf: (task, split) =>
      drawable(cache, artifact, (pool) => {
        const { task: itsTask, split: itsSplit } = required(artifact.pools[pool], 'a pool');
        return itsTask === task && itsSplit === split;
      }),
    async classes() {
      const { names, ofRow } = classesOf(artifact, ref);
      const column = await uint16Column(cache, ofRow);
      return (row) => names[column[row] ?? noClass] ?? '';
    },
    async *eachBatch(rowCountMax = 1_024) {
      const all = await drawable(cache, artifact, () => true);
      for (let from = 0; from < all.length; from += rowCountMax) {
        const rows = all.subarray(from, from + rowCountMax);
        yield { rows, examples: await examplesAt(rows) };
      }
    },
  };
}

function classesOf({ classes }: DatasetArtifact, ref: ArtifactRef) {
  if (classes !== undefined) return classes;
  throw new MtrlError('ARTIFACT_MISSING', 'the dataset does not say which class each example has', {
    where: ref.uri,
    found: 'a dataset of an earlier version, or one of rows to judge',
    hint: 'run the experiment again to ingest its datasets again, or leave out mixture.balance',
  });
}

/** Rows of the wanted pools that may be drawn, ascending. No other function decides which rows may be drawn. */
async function drawable(
  cache: JsonCache,
  artifact: DatasetArtifact,
  isWanted: (pool: number) => boolean,
): Promise<Uint32Array> {
  const poolOfRow = await uint16Column(cache, artifact.poolOfRow);
  const wanted = artifact.pools.map((_, pool) => isWanted(pool));
  const refused = await refusedRows(cache, artifact);
  const isRefused = new Uint8Array(refused.length === 0 ? 0 : poolOfRow.length);
  for (const row of refused) isRefused[row] = 1;
  const isDrawn = (row: number): boolean => wanted[poolOfRow[row] ?? poolOfDropped] === true && isRefused[row] !== 1;
  let rowCount = 0;
  for (let row = 0; row < poolOfRow.length; row++) if (isDrawn(row)) rowCount++;
  const rows = new Uint32Array(rowCount);
  for (let row = 0, at = 0; at < rowCount; row++) if (isDrawn(row)) rows[at++] = row;
  return rows;
}

async function refusedRows(cache: JsonCache, { inadmissible }: DatasetArtifact): Promise<readonly number[]> {
  return inadmissible === null ? [] : ((await cache.get(inadmissible)) as readonly number[]);
}

async function uint16Column(cache: JsonCache, ref: ArtifactRef): Promise<Uint16Array> {
  const bytes = await cache.getBytes(ref);
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
}

/** Reads these rows at once and returns a lookup by row, for work that uses the same few examples repeatedly. */
export async function exampleLookup(dataset: OpenDataset, rows: readonly number[]): Promise<(row: number) => Example> {
  const examples = await dataset.examplesAt(rows);
  const byRow = new Map(rows.map((row, i) => [row, examples[i]]));
  return (row) => required(byRow.get(row), `example ${String(row)}`);
}
