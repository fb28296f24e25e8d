/** Loads the processor (tokenizer, chat template, image preparation) of a policy from its checkpoint's small files. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { readFolderManifest, type FolderManifest } from '../../artifacts/store/files.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { digestOf } from '../../core/json.ts';
import { loadProcessor, type Processor } from '../../policy/processor.ts';
import type { JsonCache } from '../json-cache.ts';
import { smallFiles } from './small-files.ts';
import { snapshotFormat } from './snapshot-artifact.ts';

export class Processors {
  readonly #cache: JsonCache;
  readonly #folder: string;
  readonly #loaded = new Map<string, Promise<LoadedProcessor>>();

  /** `folder` must not be shared with another process. */
  constructor(cache: JsonCache, folder: string) {
    this.#cache = cache;
    this.#folder = folder;
  }

  async of(snapshotRef: ArtifactRef): Promise<LoadedProcessor> {
    const { checkpoint } = await this.#cache.getDocument(snapshotRef, snapshotFormat);
    const files = smallFiles(await readFolderManifest(this.#cache.store, checkpoint));
    const digest = digestOf(Object.fromEntries(Object.entries(files).map(([name, { sha256 }]) => [name, sha256])));
    const known = this.#loaded.get(digest);
    if (known) return known;
    const loading = load(this.#cache.store, files, digest, join(this.#folder, digest));
    this.#loaded.set(digest, loading);
    // A failure is not cached: the next activity tries again.
    loading.catch(() => this.#loaded.delete(digest));
    return loading;
  }
}

export interface LoadedProcessor {
  readonly processor: Processor;
  /** Digest of all its files. */
  readonly digest: string;
}

async function load(
  store: ArtifactStore,
  files: FolderManifest['files'],
  digest: string,
  folder: string,
): Promise<LoadedProcessor> {
  await mkdir(folder, { recursive: true });
  const fetches = Object.entries(files).map(([name, content]) =>
    store.getToFile(store.refOf(content), join(folder, name)),
  );
  await Promise.all(fetches);
  return { processor: await loadProcessor(folder), digest };
}
