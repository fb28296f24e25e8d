/** Writes a dataset: examples are streamed into shards; everything else is held in columns of a few bytes per row. */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { rowsAt, type RowTable, RowTableWriter } from '../../artifacts/codecs/row-table.ts';
import type { Pools } from '../../judge/datasets/joining/pools.ts';
import type { RowClasses } from '../../judge/datasets/joining/row-classes.ts';
import type { Example } from '../../judge/example.ts';
import type { DatasetArtifact, StoredExample } from './dataset-artifact.ts';
import type { StoredImagePack } from './image-packer.ts';
import { storeImageTable } from './image-table.ts';
import type { JsonCache } from '../json-cache.ts';

/** Ids read at a time. */
const lookupCountMax = 1_024;

/** The parts of a dataset that are known once all examples are written. */
export interface DatasetEnd extends Pick<
  DatasetArtifact,
  'quarantine' | 'leaks' | 'exampleCount' | 'imageCount' | 'quarantinedCount' | 'leftOutCount'
> {
  readonly pools: Pools;
  /** Only of datasets that may be trained on. */
  readonly classes?: RowClasses;
  readonly packs: readonly StoredImagePack[];
}

export class DatasetWriter {
  readonly #cache: JsonCache;
  readonly #examples: RowTableWriter;
  #table: RowTable | undefined;

  constructor(cache: JsonCache) {
    this.#cache = cache;
    this.#examples = new RowTableWriter(cache.store);
  }

  async add({ split: _split, ...example }: Example): Promise<void> {
    await this.#examples.add(example satisfies StoredExample);
  }

  /** Ids of these rows. Call it only after all rows are written. */
  async idsAt(rows: Uint32Array): Promise<string[]> {
    const ids: string[] = [];
    for (let from = 0; from < rows.length; from += lookupCountMax) {
      const some = rows.subarray(from, from + lookupCountMax);
      const found = await rowsAt<StoredExample>(this.#cache.store, await this.#finished(), some);
      ids.push(...found.map(({ id }) => id));
    }
    return ids;
  }

  async store({ pools: { pools, poolOfRow }, classes, packs, ...end }: DatasetEnd): Promise<ArtifactRef> {
    const dataset: DatasetArtifact = {
      ...{ schema: 2, examples: await this.#finished(), inadmissible: null, pools, ...end },
      poolOfRow: await this.#putColumn(poolOfRow),
      ...(classes && { classes: { names: classes.names, ofRow: await this.#putColumn(classes.ofRow) } }),
      images: await storeImageTable(this.#cache, packs),
    };
    return this.#cache.put(dataset);
  }

  #putColumn({ buffer, byteOffset, byteLength }: Uint16Array): Promise<ArtifactRef> {
    return this.#cache.store.putBytes(new Uint8Array(buffer, byteOffset, byteLength), { keep: false });
  }

  async #finished(): Promise<RowTable> {
    return (this.#table ??= await this.#examples.finish());
  }
}
