/**
 * Reads each dataset under a key of its own: its declaration, the tasks and mode words that its rows are checked with,
 * and the bytes of its files. After a change to one file only its own dataset is read again.
 */
import { batchesOf } from '../../artifacts/store/bounded.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { required } from '../../core/assert.ts';
import type { DatasetRows, IngestProgress } from '../../judge/datasets/joining/join.ts';
import { type DatasetRow, readDataset } from '../../judge/datasets/read-dataset.ts';
import type { SourceFiles } from '../../judge/datasets/sources/source-files.ts';
import { tasksOfDataset } from '../../recipes/task-sets.ts';
import type { DatasetSpec, Recipe } from '../../recipes/recipe.ts';
import type { CacheCount } from '../../contract/activities.ts';
import type { ControlDeps } from '../deps.ts';
import { durable, type Outputs } from '../durable.ts';
import { ImagePacker, type StoredImagePack } from './image-packer.ts';
import type { JsonCache } from '../json-cache.ts';
import { JsonLines, storedRows } from './json-lines.ts';
import { promptingOf } from '../recipe-access.ts';
import { digestsOfDataset } from './source-digests.ts';

/** Progress is reported once per batch. */
const rowCountPerBatch = 256;

interface RowCounts {
  readonly exampleCount: number;
  readonly quarantinedCount: number;
}

export class KeptDatasets {
  /** Image packs of all datasets so far, by sha256. */
  readonly packs = new Map<string, StoredImagePack>();
  /** Each dataset's list of image packs; its producer is what a later ingestion of the same files finds. */
  readonly readings: ArtifactRef[] = [];
  #hitCount = 0;
  #missCount = 0;
  #exampleCount = 0;
  #quarantinedCount = 0;
  readonly #deps: ControlDeps;
  readonly #cache: JsonCache;
  readonly #recipe: Recipe;
  readonly #files: SourceFiles;
  readonly #digests: Readonly<Record<string, string>>;
  readonly #beat: (progress: IngestProgress) => void;

  constructor(
    deps: ControlDeps,
    cache: JsonCache,
    recipe: Recipe,
    sources: { readonly files: SourceFiles; readonly digests: Readonly<Record<string, string>> },
    beat: (progress: IngestProgress) => void,
  ) {
    this.#deps = deps;
    this.#cache = cache;
    this.#recipe = recipe;
    this.#files = sources.files;
    this.#digests = sources.digests;
    this.#beat = beat;
  }

  get found(): CacheCount {
    return { hits: this.#hitCount, misses: this.#missCount };
  }

  readonly rowsOf: DatasetRows = (spec) => this.#rowsOf(spec);

  async *#rowsOf(spec: DatasetSpec): AsyncGenerator<readonly DatasetRow[]> {
    const { leaks } = this.#recipe;
    const config = {
      spec,
      ...promptingOf(this.#recipe, tasksOfDataset(spec)),
      isHashed: leaks.distanceMax !== undefined,
      files: digestsOfDataset(spec, this.#digests),
    };
    const { outputs, summary, cached } = await durable(this.#deps, 'readDataset', { inputs: {}, config }, () =>
      this.#read(spec),
    );
    if (cached) this.#hitCount++;
    else this.#missCount++;
    this.#exampleCount += summary.exampleCount;
    this.#quarantinedCount += summary.quarantinedCount;
    const images = required(outputs['images'], 'the image packs');
    this.readings.push(images);
    const packs = (await this.#cache.get(images)) as readonly StoredImagePack[];
    for (const pack of packs) this.packs.set(pack.bytes.sha256, pack);
    const { rows } = outputs;
    if (rows === undefined) return;
    yield* batchesOf(storedRows<DatasetRow>(this.#cache.store, rows), rowCountPerBatch);
  }

  async #read(spec: DatasetSpec): Promise<Outputs<string, RowCounts>> {
    const packer = new ImagePacker(this.#cache);
    const lines = new JsonLines();
    const counts = { exampleCount: 0, quarantinedCount: 0 };
    try {
      const take = (digest: string, bytes: Uint8Array): Promise<void> => packer.add(digest, bytes);
      for await (const rows of readDataset(this.#recipe, spec, this.#files, take)) {
        for (const row of rows) {
          if (!('rejected' in row)) counts.exampleCount++;
          else if (row.rejected.code !== 'LEFT_OUT') counts.quarantinedCount++;
          await lines.add(row);
        }
        this.#report(spec, counts);
      }
      const [rows, images] = [await lines.store(this.#cache.store), await this.#cache.put(await packer.finish())];
      const outputs: Readonly<Record<string, ArtifactRef>> = { images, ...(rows && { rows }) };
      return { outputs, summary: counts };
    } finally {
      await lines.close();
    }
  }

  #report(spec: DatasetSpec, { exampleCount, quarantinedCount }: RowCounts): void {
    const { datasets } = this.#recipe;
    this.#beat({
      datasetIndex: datasets.indexOf(spec),
      datasetCount: datasets.length,
      exampleCount: this.#exampleCount + exampleCount,
      quarantinedCount: this.#quarantinedCount + quarantinedCount,
    });
  }
}
