/**
 * Content-addressed artifacts over an object store: bytes are stored at `blobs/sha256/ab/<digest>`, so equal bytes are
 * stored once, writing them again is cheap, and every read is verified.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { assert } from '../../core/assert.ts';
import { ByteCache } from '../../core/byte-cache.ts';
import { MtrlError } from '../../core/errors.ts';
import { sha256 } from '../../core/json.ts';
import { isFresh } from './age.ts';
import { FileCache, type FileCacheSettings } from './file-cache.ts';
import { codedFileError } from './file-error.ts';
import { jsonBytes, parseJsonBytes } from '../codecs/json-value.ts';
import { type Format, inFormat } from '../format.ts';
import type { StoreLease } from '../collection/lease.ts';
import { linksInBytes, type Target } from '../links.ts';
import type { ObjectStore } from './object-store.ts';
import { blobKeyOf, keyOfRef } from '../ref-key.ts';
import type { ArtifactRef } from '../ref.ts';
import { secondRead } from './second-read.ts';
import { corrupt, digestFile, proven, sameBytes, type Digested } from './stream-digest.ts';

export interface ArtifactStoreOptions {
  /** Memory for recently read or written artifacts, in bytes; 0 disables the cache. */
  readonly cacheByteLengthMax?: number;
  /** Cache on the local disk for large artifacts that are read as files, shared by the workers of a host. */
  readonly files?: FileCacheSettings;
  /** Protects writes from a garbage collection; without it, only their age does. */
  readonly lease?: StoreLease;
}

/** References of longer documents are not extracted on writing. */
const linkedByteLengthMax = 1 << 20;

/** From this size on, existence is checked before sending. */
const headFirstByteLength = 1 << 20;

/** From this size on, an artifact that is read as a file is cached as one. */
const filedByteLength = 1 << 20;

export class ArtifactStore {
  readonly objects: ObjectStore;
  readonly #cache: ByteCache<Uint8Array>;
  readonly #links = new WeakMap<ArtifactRef, readonly Target[]>();
  readonly #lease: StoreLease | undefined;
  readonly #files: FileCache | undefined;

  constructor(objects: ObjectStore, { cacheByteLengthMax = 64 << 20, lease, files }: ArtifactStoreOptions = {}) {
    this.#files = files && new FileCache(files);
    this.objects = objects;
    this.#lease = lease;
    this.#cache = new ByteCache(cacheByteLengthMax);
  }

  /** Runs the body so that nothing it writes or finds is collected before it ends; see StoreLease.hold. */
  async protect<T>(body: (requireHeld: () => void) => Promise<T>): Promise<T> {
    return this.#lease === undefined ? body(() => undefined) : this.#lease.hold(body);
  }

  /** Releases the protection of writes when the process ends. */
  async close(): Promise<void> {
    await this.#lease?.close();
  }

  /** Stores bytes. `keep: false` keeps them out of the cache: for bytes that this process will not read. */
  async putBytes(bytes: Uint8Array, { keep = true }: { readonly keep?: boolean } = {}): Promise<ArtifactRef> {
    const ref = this.refOf({ sha256: sha256(bytes), byteLength: bytes.byteLength });
    const key = blobKey(ref.sha256);
    if (bytes.byteLength < headFirstByteLength || !(await this.#holds(ref))) {
      if ((await this.objects.putIfAbsent(key, bytes)) === 'exists' && !(await this.objects.touch(key)))
        await this.objects.put(key, bytes);
    }
    // A copy: the caller may reuse its array.
    if (keep) this.#cache.set(ref.sha256, bytes.slice(), bytes.byteLength);
    if (bytes.byteLength <= linkedByteLengthMax) this.#links.set(ref, linksInBytes(this.objects, bytes));
    return ref;
  }

  /**
   * References of the artifact, if `putBytes` or `putJson` of this store returned this ref object; else undefined.
   * Reads nothing.
   */
  linksOf(ref: ArtifactRef): readonly Target[] | undefined {
    return this.#links.get(ref);
  }

  /**
   * The artifact's verified bytes. They may be shared with other readers: do not write to them.
   * Throws ARTIFACT_MISSING, ARTIFACT_CORRUPT.
   */
  async getBytes(ref: ArtifactRef): Promise<Uint8Array> {
    const cached = this.#cache.get(ref.sha256);
    if (cached !== undefined) return cached;
    const bytes = await secondRead(ref.uri, async () => {
      const read = await this.objects.get(this.keyOf(ref));
      if (read === undefined) throw this.#missing(ref);
      const found = { sha256: sha256(read), byteLength: read.byteLength };
      if (!sameBytes(ref, found)) throw corrupt(ref.uri, ref, found);
      return read;
    });
    this.#cache.set(ref.sha256, bytes, bytes.byteLength);
    return bytes;
  }

  /**
   * Reads a part of the artifact, at least one byte. The bytes are not verified, because only the whole has a digest.
   * Throws ARTIFACT_MISSING, ARTIFACT_CORRUPT.
   */
  async getRange(ref: ArtifactRef, offset: number, byteLength: number): Promise<Uint8Array> {
    return secondRead(ref.uri, async () => {
      const read = await this.#readRange(ref, offset, byteLength);
      if (read.byteLength === byteLength) return read;
      throw new MtrlError('ARTIFACT_CORRUPT', 'a part of the artifact has the wrong length', {
        where: ref.uri,
        found: `${String(read.byteLength)} of ${String(byteLength)} bytes at offset ${String(offset)}`,
        hint: 'restore the object from a copy, or delete it and run again to recompute it',
      });
    });
  }

  async #readRange(ref: ArtifactRef, offset: number, byteLength: number): Promise<Uint8Array> {
    const range = { start: offset, end: offset + byteLength };
    const source = await this.objects.open(this.keyOf(ref), range);
    if (source === undefined) throw this.#missing(ref);
    const pieces: Uint8Array[] = [];
    for await (const piece of source) pieces.push(piece as Uint8Array);
    return Buffer.concat(pieces);
  }

  /** Stores a value as canonical JSON: equal values give one artifact. */
  async putJson(value: unknown): Promise<ArtifactRef> {
    return this.putBytes(jsonBytes(value));
  }

  /** Reads a document of the format. Throws FORMAT_UNSUPPORTED, and like getBytes. */
  async getDocument<T>(ref: ArtifactRef, format: Format<T>): Promise<T> {
    return inFormat(format, await this.getJson(ref), ref.uri);
  }

  /** Reads a value written by `putJson`. The digest verifies its bytes; its type is not checked. */
  async getJson(ref: ArtifactRef): Promise<unknown> {
    const value = parseJsonBytes(await this.getBytes(ref));
    if (value !== undefined) return value;
    throw new MtrlError('ARTIFACT_CORRUPT', 'the artifact is not JSON', { where: ref.uri });
  }

  /** Stores a file without holding it in memory. Throws FILE_MISSING. */
  async putFile(path: string): Promise<ArtifactRef> {
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() !== true) throw new MtrlError('FILE_MISSING', 'the file does not exist', { where: path });
    const digested = await digestFile(path);
    const ref = this.refOf(digested);
    if (!(await this.#holds(ref))) {
      await this.objects.putStream(blobKey(ref.sha256), { ...digested, open: () => createReadStream(path) });
    }
    return ref;
  }

  /**
   * Writes the artifact to `path`, which appears only after all bytes are verified. Do not write to it: it may be a
   * cached file.
   */
  async getToFile(ref: ArtifactRef, path: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await secondRead(ref.uri, async () => {
      const partial = `${path}.partial-${randomUUID()}`;
      try {
        if (this.#files && ref.byteLength >= filedByteLength) {
          await this.#files.place(ref, path, () => this.#opened(ref));
          return;
        }
        await pipeline(
          await this.#opened(ref),
          (bytes: AsyncIterable<unknown>) => proven(bytes, ref, ref.uri),
          createWriteStream(partial, { flags: 'wx' }),
        );
        await rename(partial, path);
      } catch (error) {
        await rm(partial, { force: true });
        throw codedFileError(error);
      }
    });
  }

  async #opened(ref: ArtifactRef): Promise<Readable> {
    const source = await this.objects.open(this.keyOf(ref));
    if (source === undefined) throw this.#missing(ref);
    return source;
  }

  /** The ref, in this store, of bytes known by their digest. */
  refOf({ sha256, byteLength }: Digested): ArtifactRef {
    return { uri: this.objects.uriOf(blobKey(sha256)), sha256, byteLength };
  }

  /** The ref's key in this store, whichever store wrote the ref. */
  keyOf({ uri, sha256 }: ArtifactRef): string {
    return keyOfRef(this.objects, uri, sha256);
  }

  async #holds(ref: ArtifactRef): Promise<boolean> {
    const key = blobKey(ref.sha256);
    const head = await this.objects.head(key);
    if (head?.byteLength !== ref.byteLength) return false;
    // Refresh the age of an old object, because the writer relies on it. In S3 that copies the whole object.
    return isFresh(head.modifiedAtMs, await this.objects.timeMs()) || this.objects.touch(key);
  }

  #missing(ref: ArtifactRef): MtrlError {
    return new MtrlError('ARTIFACT_MISSING', 'the artifact is not in the store', {
      where: ref.uri,
      found: `no object in ${this.objects.name}`,
      hint: 'resume the experiment, or run its recipe again: missing results are recomputed; imported artifacts must be imported again',
    });
  }
}

export function blobKey(digest: string): string {
  assert(/^[0-9a-f]{64}$/.test(digest), `not a sha256: ${digest}`);
  return blobKeyOf(digest);
}
