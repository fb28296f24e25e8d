/** Objects in an S3 bucket. Each is written by one PUT, so that it appears whole or not at all. */
import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { MtrlError } from '../../core/errors.ts';
import { sha256 } from '../../core/json.ts';
import {
  type ByteRange,
  checkKey,
  keyUnder,
  type ObjectEntry,
  type ObjectHead,
  type ObjectStore,
  type StreamBody,
  type TaggedBytes,
} from './object-store.ts';
import { type OnTransfer, s3Client, signWith } from './s3-client.ts';
import { cutOff, isAbsent, isBroken, isPreconditionFailed, isSignedByWrongClock, storeError } from './s3-errors.ts';
import type { S3Settings } from './s3-settings.ts';
import { StoreClock } from './store-clock.ts';

/** Of one request: S3's limit. */
const removedCountMax = 1000;

/** Throws when the server is not the one that is meant. Called when it refuses a request, before the refusal counts. */
export type Prove = () => Promise<void>;

export class S3ObjectStore implements ObjectStore {
  readonly name: string;
  readonly #settings: S3Settings;
  readonly #client: S3Client;
  readonly #baseUri: string;
  readonly #prove: Prove;
  readonly #clock = new StoreClock();

  constructor(settings: S3Settings, onTransfer: OnTransfer = () => undefined, prove: Prove = () => Promise.resolve()) {
    this.#prove = prove;
    this.#settings = settings;
    this.name = `bucket ${settings.bucket} at ${settings.endpoint}`;
    this.#baseUri = `s3://${settings.bucket}/`;
    this.#client = s3Client(settings, this.#clock, onTransfer);
  }

  uriOf(key: string): string {
    return `${this.#baseUri}${checkKey(key)}`;
  }

  keyOf(uri: string): string {
    return keyUnder(this.#baseUri, uri, this.name);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return (await this.getTagged(key))?.bytes;
  }

  async getTagged(key: string): Promise<TaggedBytes | undefined> {
    return this.#find(async () => {
      const { Body, ContentLength, ETag, LastModified } = await this.#read(checkKey(key));
      const bytes = await bytesOf(Body as Readable);
      const wanted = ContentLength ?? bytes.byteLength;
      if (bytes.byteLength !== wanted) throw cutOff(this.#settings, key, wanted, bytes.byteLength);
      return { bytes, tag: ETag ?? '', modifiedAtMs: LastModified?.getTime() ?? NaN };
    });
  }

  /** As `head`, also for keys written by others: users' files have arbitrary names. */
  async open(key: string, range?: ByteRange): Promise<Readable | undefined> {
    const found = await this.#find(() => this.#read(key, range));
    if (found === undefined) return undefined;
    const body = this.#whole(found.Body as Readable, key, found.ContentLength);
    return Readable.from(body, { objectMode: false });
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#put(key, bytes, {});
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<'written' | 'exists'> {
    return (await this.#put(key, bytes, { IfNoneMatch: '*' })) === 'written' ? 'written' : 'exists';
  }

  async putIfMatch(key: string, bytes: Uint8Array, tag: string): Promise<'written' | 'changed'> {
    return (await this.#put(key, bytes, { IfMatch: tag })) === 'written' ? 'written' : 'changed';
  }

  async putStream(key: string, { open, byteLength, sha256 }: StreamBody): Promise<void> {
    await this.#upload(key, open, byteLength, sha256, {});
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    return this.#find(async () => {
      const found = await this.#client.send(new HeadObjectCommand({ Bucket: this.#settings.bucket, Key: key }));
      return headOf({ size: found.ContentLength, modified: found.LastModified, tag: found.ETag });
    });
  }

  /** A copy onto itself; S3 requires a change, so its metadata, of which it has none, is replaced. */
  async touch(key: string): Promise<boolean> {
    const { bucket } = this.#settings;
    const itself = { Bucket: bucket, Key: checkKey(key), CopySource: `${bucket}/${key}` };
    const copied = async (): Promise<true> => {
      await this.#client.send(new CopyObjectCommand({ ...itself, MetadataDirective: 'REPLACE' }));
      return true;
    };
    return (await this.#find(copied)) ?? false;
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += removedCountMax) {
      const objects = keys.slice(at, at + removedCountMax).map((key) => ({ Key: checkKey(key) }));
      const request = { Bucket: this.#settings.bucket, Delete: { Objects: objects, Quiet: true } };
      const { Errors: [refused] = [] } = await this.#ask(() => this.#client.send(new DeleteObjectsCommand(request)));
      // Each key has an answer of its own; one that is not removed has an S3 code as a whole request would.
      if (refused !== undefined)
        throw await this.#failure(
          Object.assign(new Error(`${refused.Key ?? ''}: ${refused.Message ?? ''}`), { code: refused.Code ?? '' }),
        );
    }
  }

  async timeMs(): Promise<number> {
    if (!this.#clock.isKnown) await this.head('clock');
    return this.#clock.nowMs();
  }

  async *list(prefix: string, after?: string): AsyncIterable<ObjectEntry> {
    const request = { Bucket: this.#settings.bucket, Prefix: prefix, StartAfter: after, EncodingType: 'url' } as const;
    for (let next: string | undefined, isLast = false; !isLast;) {
      const page = await this.#ask(() =>
        this.#client.send(new ListObjectsV2Command({ ...request, ContinuationToken: next })),
      );
      for (const { Key, Size, LastModified, ETag } of page.Contents ?? [])
        yield { key: decoded(Key ?? ''), ...headOf({ size: Size, modified: LastModified, tag: ETag }) };
      next = page.NextContinuationToken;
      isLast = next === undefined;
    }
  }

  #read(key: string, range?: ByteRange): Promise<GetObjectCommandOutput> {
    const bytes = range && { Range: `bytes=${String(range.start)}-${String(range.end - 1)}` };
    return this.#client.send(new GetObjectCommand({ Bucket: this.#settings.bucket, Key: key, ...bytes }));
  }

  async #put(key: string, bytes: Uint8Array, condition: Condition): Promise<'written' | 'refused'> {
    return this.#upload(key, () => bytes, bytes.byteLength, sha256(bytes), condition);
  }

  /** One PUT that is signed with the digest of its body: the server rejects bytes that were changed on the way. */
  async #upload(
    key: string,
    body: () => Readable | Uint8Array,
    byteLength: number,
    digest: string,
    condition: Condition,
  ): Promise<'written' | 'refused'> {
    return this.#ask(async () => {
      const to = { Bucket: this.#settings.bucket, Key: checkKey(key), ContentLength: byteLength };
      const command = new PutObjectCommand({ ...to, Body: body(), ...condition });
      signWith(digest, command);
      try {
        await this.#client.send(command);
        return 'written' as const;
      } catch (error) {
        if (isPreconditionFailed(error)) return 'refused' as const;
        // Nothing can match an object that is gone.
        if (condition.IfMatch !== undefined && isAbsent(error)) return 'refused' as const;
        throw error;
      }
    });
  }

  /** undefined where there is no such object. */
  #find<T>(request: () => Promise<T>): Promise<T | undefined> {
    return this.#ask(() =>
      request().catch((error: unknown) => {
        if (isAbsent(error)) return undefined;
        throw error;
      }),
    );
  }

  /** Once more when a kept-alive connection broke (the server was restarted) or the signature had the wrong time: every request here can be repeated. */
  async #ask<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      if (!isBroken(error) && !isSignedByWrongClock(error)) throw await this.#failure(error);
    }
    try {
      return await request();
    } catch (error) {
      throw await this.#failure(error);
    }
  }

  /** As a coded error. A rejection by a server other than the intended one says nothing about our credentials. */
  async #failure(cause: unknown): Promise<MtrlError> {
    const error = storeError(this.#settings, cause, this.#clock.nowMs() - Date.now());
    if (error.code !== 'STORE_REFUSED') return error;
    const foreign = await this.#prove().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    // The server is gone: its identity cannot be checked.
    return foreign === undefined ? error : foreign instanceof MtrlError ? foreign : storeError(this.#settings, foreign);
  }

  /** The stream, with its failures as coded errors. */
  async *#explained(stream: Readable): AsyncIterable<unknown> {
    try {
      yield* stream;
    } catch (error) {
      throw await this.#failure(error);
    } finally {
      stream.destroy();
    }
  }

  /** The same, and checks that it ends where the object ends. */
  async *#whole(stream: Readable, key: string, wanted: number | undefined): AsyncIterable<unknown> {
    let byteLength = 0;
    for await (const piece of this.#explained(stream)) {
      byteLength += (piece as Uint8Array).byteLength;
      yield piece;
    }
    if (wanted !== undefined && wanted !== byteLength) throw cutOff(this.#settings, key, wanted, byteLength);
  }
}

type Condition = Pick<PutObjectCommandInput, 'IfMatch' | 'IfNoneMatch'>;

function headOf(found: {
  readonly size: number | undefined;
  readonly modified: Date | undefined;
  readonly tag: string | undefined;
}): ObjectHead {
  const tag = found.tag?.replaceAll('"', '');
  return {
    byteLength: found.size ?? 0,
    modifiedAtMs: found.modified?.getTime() ?? NaN,
    ...(tag !== undefined && { tag }),
  };
}

/** A key of a listing, whose text XML need not be able to hold. */
function decoded(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}

async function bytesOf(stream: Readable): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
