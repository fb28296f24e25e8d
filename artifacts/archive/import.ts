/**
 * Imports an exported experiment: every entry is verified before it is written, and the experiment's document is
 * written last.
 */
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { MtrlError } from '../../core/errors.ts';
import {
  type ArchiveEntry,
  type ArchiveHeader,
  documentRefs,
  headerName,
  invalid,
  readHeader,
  requireDocument,
} from './archive.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { experimentKey } from '../experiments.ts';
import { walk } from '../lineage.ts';
import { checkManifest, manifestKey, workKey } from '../manifest.ts';
import { blobKeyOf } from '../ref-key.ts';
import { proven } from '../store/stream-digest.ts';

export interface Imported {
  readonly experimentId: string;
  readonly objectCount: number;
  /** Objects that were new to the store. */
  readonly newObjectCount: number;
  readonly byteLength: number;
}

/** Larger entries are spooled to a file. */
const inMemoryByteLengthMax = 4 << 20;
const documentByteLengthMax = 256 << 20;

/**
 * Imports an archive; idempotent. Throws ARCHIVE_INVALID for a changed byte, an invalid name or a missing entry;
 * IMPORT_CONFLICT if another experiment with this id exists; FORMAT_UNSUPPORTED.
 */
export async function importArchive(
  store: ArtifactStore,
  entries: AsyncIterable<ArchiveEntry>,
  where: string,
): Promise<Imported> {
  return store.protect(async (requireHeld) => {
    const arriving = new Import(store, where);
    try {
      for await (const entry of entries) await arriving.take(entry);
      requireHeld();
      return await arriving.finish();
    } finally {
      await arriving.end();
    }
  });
}

class Import {
  readonly #store: ArtifactStore;
  readonly #where: string;
  #header: ArchiveHeader | undefined;
  #document: Uint8Array | undefined;
  #folder: string | undefined;
  readonly #counts = { objectCount: 0, newObjectCount: 0, byteLength: 0 };

  constructor(store: ArtifactStore, where: string) {
    this.#store = store;
    this.#where = where;
  }

  async take(entry: ArchiveEntry): Promise<void> {
    if (!this.#header) this.#header = readHeader(await this.#bytesOf(entry, headerName), this.#where);
    else if (!this.#document) await this.#takeDocument(this.#header, entry);
    else await this.#takeArtifact(entry);
  }

  async finish(): Promise<Imported> {
    if (!this.#header || !this.#document) throw invalid(this.#where, 'it contains no experiment');
    const { experimentId } = this.#header;
    await this.#requireWhole(this.#document);
    await this.#store.objects.put(experimentKey(experimentId), this.#document);
    return { experimentId, ...this.#counts };
  }

  /** Cleans up; called at the end, also after a failure. */
  async end(): Promise<void> {
    if (this.#header) await this.#store.objects.remove([this.#marker(this.#header)]);
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  async #takeDocument(header: ArchiveHeader, entry: ArchiveEntry): Promise<void> {
    const key = experimentKey(header.experimentId);
    const bytes = await this.#bytesOf(entry, key);
    requireDocument(header, bytes, this.#where);
    const here = await this.#store.objects.get(key);
    if (here !== undefined && !Buffer.from(here).equals(bytes)) {
      throw new MtrlError('IMPORT_CONFLICT', 'another experiment with this id exists', {
        where: header.experimentId,
        hint: 'delete it first if you no longer need it',
      });
    }
    // Protects everything reachable from the document from a collection during the import.
    await this.#store.objects.put(this.#marker(header), bytes);
    this.#document = bytes;
  }

  async #takeArtifact(entry: ArchiveEntry): Promise<void> {
    const { name } = entry;
    const { objects } = this.#store;
    const [, digest = ''] = /^blobs\/sha256\/[0-9a-f]{2}\/([0-9a-f]{64})$/.exec(name) ?? [];
    const isNew = digest !== '' || isManifestName(name) ? (await objects.head(name)) === undefined : false;
    if (digest !== '' && name === blobKeyOf(digest)) await this.#takeBlob(entry, digest);
    else if (isManifestName(name)) await this.#takeManifest(entry);
    else throw invalid(`${this.#where}: ${JSON.stringify(name)}`, 'a name that is not an artifact name');
    this.#counts.objectCount++;
    this.#counts.byteLength += entry.byteLength;
    if (isNew) this.#counts.newObjectCount++;
  }

  async #takeBlob(entry: ArchiveEntry, digest: string): Promise<void> {
    const { byteLength, name } = entry;
    const bytes = proven(await entry.open(), { sha256: digest, byteLength });
    try {
      if (byteLength <= inMemoryByteLengthMax) {
        await this.#store.putBytes(await collected(bytes));
        return;
      }
      this.#folder ??= await mkdtemp(join(tmpdir(), 'mtrl-import-'));
      const path = join(this.#folder, randomUUID());
      await pipeline(bytes, createWriteStream(path));
      await this.#store.putFile(path);
      await rm(path);
    } catch (error) {
      if (!(error instanceof MtrlError) || error.code !== 'ARTIFACT_CORRUPT') throw error;
      throw invalid(`${this.#where}: ${name}`, error.details.found ?? error.message, error);
    }
  }

  /** Writes a manifest; keeps an existing one, which is of the same work. */
  async #takeManifest(entry: ArchiveEntry): Promise<void> {
    const { name } = entry;
    const bytes = await this.#bytesOf(entry, name);
    try {
      const manifest = checkManifest(bytes, name);
      if (manifestKey(manifest.activity, workKey(manifest)) !== name)
        throw invalid(name, 'the manifest of another activity');
    } catch (error) {
      if (!(error instanceof MtrlError) || error.code === 'FORMAT_UNSUPPORTED') throw error;
      throw invalid(`${this.#where}: ${name}`, error.details.found ?? error.message, error);
    }
    await this.#store.objects.putIfAbsent(name, bytes);
  }

  /** Checks that everything reachable from the document exists: a tar truncated between two entries looks complete. */
  async #requireWhole(document: Uint8Array): Promise<void> {
    for await (const { uri, problem } of walk(this.#store, documentRefs(this.#store, document))) {
      if (problem) throw invalid(`${this.#where}: ${this.#store.objects.keyOf(uri)}`, `${problem.found} there`);
    }
  }

  async #bytesOf(entry: ArchiveEntry, name: string): Promise<Uint8Array> {
    if (entry.name !== name || entry.byteLength > documentByteLengthMax)
      throw invalid(`${this.#where}: ${JSON.stringify(entry.name)}`, `${name} is missing`);
    return collected(await entry.open());
  }

  #marker({ experimentId }: ArchiveHeader): string {
    return `imports/${experimentKey(experimentId).replace('/', '-')}`;
  }
}

function isManifestName(name: string): boolean {
  return /^manifests\/[a-zA-Z0-9-]+\/[0-9a-f]{64}\.json$/.test(name);
}

async function collected(stream: AsyncIterable<unknown>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces);
}
