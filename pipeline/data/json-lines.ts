/** Rows as JSON Lines in the store. They are written to and read from a temporary local file, not held in memory. */
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { asJson } from '../../artifacts/codecs/json-value.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { required } from '../../core/assert.ts';
import { canonicalJson } from '../../core/json.ts';
import { linesOf } from '../../judge/datasets/sources/lines.ts';

const temporaryFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'mtrl-rows-'));

export class JsonLines {
  #folder: string | undefined;
  #file: WriteStream | undefined;
  #failure: Error | undefined;

  /** Adds a row. Waits while the file's write buffer is full. */
  async add(row: object): Promise<void> {
    const file = (this.#file ??= this.#watched(createWriteStream(await this.#path())));
    if (this.#failure) throw this.#failure;
    if (!file.write(`${canonicalJson(asJson(row))}\n`)) await once(file, 'drain');
  }

  /** Reads the rows back from the local file. No row can be added afterwards. */
  async *rows<T>(): AsyncGenerator<T> {
    if (this.#file === undefined) return;
    await finished(this.#file.end());
    yield* rowsOf<T>(await this.#path());
  }

  /** Puts the rows into the store; null if there are none. */
  async store(store: ArtifactStore): Promise<ArtifactRef | null> {
    if (this.#file === undefined) return null;
    if (this.#failure) throw this.#failure;
    await finished(this.#file.end());
    return store.putFile(await this.#path());
  }

  /** Without a listener, a stream error, for example on a full disk, would end the process. */
  #watched(file: WriteStream): WriteStream {
    return file.on('error', (error) => {
      this.#failure = error;
    });
  }

  /** Deletes the local file. */
  async close(): Promise<void> {
    this.#file?.destroy();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  async #path(): Promise<string> {
    this.#folder ??= await temporaryFolder();
    return join(this.#folder, 'rows.jsonl');
  }
}

/** Reads stored rows; their type is not checked. Throws ARTIFACT_MISSING, ARTIFACT_CORRUPT. */
export async function* storedRows<T>(store: ArtifactStore, ref: ArtifactRef): AsyncGenerator<T> {
  const folder = await temporaryFolder();
  try {
    const path = join(folder, 'rows.jsonl');
    await store.getToFile(ref, path);
    yield* rowsOf<T>(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* rowsOf<T>(path: string): AsyncGenerator<T> {
  for await (const { bytes } of linesOf(createReadStream(path)))
    yield JSON.parse(new TextDecoder().decode(required(bytes, 'a line that was written'))) as T;
}

/** The first stored rows, at most `rowCountMax`. */
export async function firstRows<T>(store: ArtifactStore, ref: ArtifactRef, rowCountMax: number): Promise<T[]> {
  const rows: T[] = [];
  for await (const row of storedRows<T>(store, ref)) {
    rows.push(row);
    if (rows.length >= rowCountMax) break;
  }
  return rows;
}
