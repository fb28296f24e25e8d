/**
 * Objects in an S3 bucket, through the `minio` client. Only single PUTs: the client's multipart upload (8.0.7) numbers
 * parts from 2 and joins the uploads of other attempts under the same key.
 */
import * as http from 'node:http';
import * as https from 'node:https';
import { Readable } from 'node:stream';
import { Client, CopyDestinationOptions, CopySourceOptions } from 'minio';
import type { MtrlError } from '../../core/errors.ts';
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
import {
  clockSkewed,
  cutOff,
  isAbsent,
  isBroken,
  isDenied,
  isPreconditionFailed,
  isUnknownKey,
  storeError,
  strangerBeside,
} from './s3-errors.ts';
import type { S3Settings } from './s3-settings.ts';
import { type OnTransfer, s3Transport } from './s3-transport.ts';
import { StoreClock } from './store-clock.ts';

/** Throws when the server is not the one that is meant; proven: it was asked, and is. Called when it refuses a request, before the refusal counts. */
export type Prove = () => Promise<'proven' | 'unchecked'>;

export class S3ObjectStore implements ObjectStore {
  readonly name: string;
  readonly #settings: S3Settings;
  readonly #client: Client;
  readonly #baseUri: string;
  readonly #prove: Prove;
  readonly #clock = new StoreClock();

  constructor(
    settings: S3Settings,
    onTransfer: OnTransfer = () => undefined,
    prove: Prove = () => Promise.resolve('unchecked'),
  ) {
    this.#prove = prove;
    this.#settings = settings;
    this.name = `bucket ${settings.bucket} at ${settings.endpoint}`;
    this.#baseUri = `s3://${settings.bucket}/`;
    this.#client = makeClient(settings, s3Transport(settings, this.#clock, onTransfer));
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
      // The client promises a stream; it is Node's response, whose headers have the tag.
      const response = (await this.#client.getObject(this.#settings.bucket, checkKey(key))) as http.IncomingMessage;
      const chunks: Uint8Array[] = [];
      for await (const chunk of response) chunks.push(chunk as Uint8Array);
      const modifiedAtMs = Date.parse(response.headers['last-modified'] ?? '');
      const bytes = Buffer.concat(chunks);
      const byteLength = lengthSaid(response) ?? bytes.byteLength;
      if (bytes.byteLength !== byteLength) throw cutOff(this.#settings, key, byteLength, bytes.byteLength);
      return { bytes, tag: response.headers.etag ?? '', modifiedAtMs };
    });
  }

  /** As `head`, also for keys written by others: users' files have arbitrary names. */
  async open(key: string, range?: ByteRange): Promise<Readable | undefined> {
    const { bucket } = this.#settings;
    const response = await this.#find(() =>
      range === undefined
        ? this.#client.getObject(bucket, key)
        : this.#client.getPartialObject(bucket, key, range.start, range.end - range.start),
    );
    if (response === undefined) return undefined;
    const wanted = lengthSaid(response as http.IncomingMessage);
    return Readable.from(this.#whole(response, key, wanted), { objectMode: false });
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#put(key, bytes, {});
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<'written' | 'exists'> {
    return (await this.#put(key, bytes, { 'if-none-match': '*' })) === 'written' ? 'written' : 'exists';
  }

  async putIfMatch(key: string, bytes: Uint8Array, tag: string): Promise<'written' | 'changed'> {
    return (await this.#put(key, bytes, { 'if-match': tag })) === 'written' ? 'written' : 'changed';
  }

  async putStream(key: string, { open, byteLength, sha256 }: StreamBody): Promise<void> {
    await this.#upload(key, open, byteLength, sha256, {});
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    return this.#find(async () => {
      const found = await this.#client.statObject(this.#settings.bucket, key);
      return { byteLength: found.size, tag: found.etag, modifiedAtMs: found.lastModified.getTime() };
    });
  }

  /** A copy onto itself; S3 requires a change, so its metadata, of which it has none, is replaced. */
  async touch(key: string): Promise<boolean> {
    const { bucket } = this.#settings;
    const from = new CopySourceOptions({ Bucket: bucket, Object: checkKey(key) });
    const to = new CopyDestinationOptions({ Bucket: bucket, Object: key, MetadataDirective: 'REPLACE' });
    return (await this.#find(() => this.#client.copyObject(from, to).then(() => true))) ?? false;
  }

  async remove(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    await this.#ask(() => this.#client.removeObjects(this.#settings.bucket, keys.map(checkKey)));
  }

  async timeMs(): Promise<number> {
    if (!this.#clock.isKnown) await this.#find(() => this.#client.statObject(this.#settings.bucket, 'clock'));
    return this.#clock.nowMs();
  }

  async *list(prefix: string, after = ''): AsyncIterable<ObjectEntry> {
    // A listing is not retried, so it must not be the first request to detect clock skew.
    await this.timeMs();
    const entries = this.#client.listObjectsV2(this.#settings.bucket, prefix, true, after);
    for await (const entry of this.#explained(entries)) {
      const { name, size, lastModified, etag } = entry as {
        readonly name?: string;
        readonly size: number;
        readonly lastModified?: Date;
        readonly etag?: string;
      };
      const modifiedAtMs = lastModified?.getTime() ?? NaN;
      if (name !== undefined)
        yield { key: name, byteLength: size, modifiedAtMs, ...(etag !== undefined && { tag: etag }) };
    }
  }

  async #put(key: string, bytes: Uint8Array, headers: Record<string, string>): Promise<'written' | 'refused'> {
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.#upload(key, () => body, body.byteLength, sha256(body), headers);
  }

  /** One PUT whose digest the server checks: over http it is signed with it, over https TLS guards the bytes. */
  async #upload(
    key: string,
    body: () => Readable | Buffer,
    byteLength: number,
    digest: string,
    headers: Record<string, string>,
  ): Promise<'written' | 'refused'> {
    const { bucket, endpoint } = this.#settings;
    const signed = endpoint.startsWith('https:') ? '' : digest;
    return this.#ask(async () => {
      const request = {
        method: 'PUT',
        bucketName: bucket,
        objectName: checkKey(key),
        headers: { ...headers, 'content-length': String(byteLength) },
      } as const;
      try {
        const response = await this.#client.makeRequestStreamAsync(request, body(), signed, [200], '');
        response.resume();
        return 'written' as const;
      } catch (error) {
        if (isPreconditionFailed(error)) return 'refused' as const;
        // Nothing can match an object that is gone.
        if ('if-match' in headers && isAbsent(error)) return 'refused' as const;
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

  /**
   * Once more when a kept-alive connection broke (the server was restarted), and once more when the signature had the
   * wrong time; a machine that wakes up may meet both. Every request here can be repeated.
   */
  async #ask<T>(request: () => Promise<T>): Promise<T> {
    const met = new Set<'broken' | 'skewed'>();
    for (;;) {
      const { correctionMs } = this.#clock;
      try {
        return await request();
      } catch (error) {
        // By this very answer it became known that the clocks differ, or do no more.
        const isSkewed = isDenied(error) && this.#clock.correctionMs !== correctionMs;
        const reason = isSkewed ? 'skewed' : isBroken(error) ? 'broken' : undefined;
        if (reason !== undefined && !met.has(reason)) {
          met.add(reason);
          continue;
        }
        throw isSkewed ? clockSkewed(this.#settings, error, this.#offsetMs) : await this.#failure(error);
      }
    }
  }

  /** The store's clock minus this machine's. */
  get #offsetMs(): number {
    return this.#clock.nowMs() - Date.now();
  }

  /** As a coded error. A rejection by a server other than the intended one says nothing about our credentials. */
  async #failure(cause: unknown): Promise<MtrlError> {
    const error = storeError(this.#settings, cause, this.#offsetMs);
    if (error.code !== 'STORE_REFUSED') return error;
    try {
      const isContradiction = (await this.#prove()) === 'proven' && isUnknownKey(cause);
      return isContradiction ? strangerBeside(this.#settings, cause) : error;
    } catch (reason) {
      // Without an MtrlError the server is gone: its identity cannot be checked.
      return storeError(this.#settings, reason);
    }
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

/** undefined if the store, or a proxy in front of it, does not send it. */
function lengthSaid({ headers }: http.IncomingMessage): number | undefined {
  const said = headers['content-length'];
  return said === undefined ? undefined : Number(said);
}

function makeClient(
  { endpoint, accessKey, secretKey, sessionToken, region, authorities }: S3Settings,
  request: typeof http.request,
): Client {
  const url = new URL(endpoint);
  const useSSL = url.protocol === 'https:';
  const agent = { keepAlive: true, maxSockets: 64 };
  return new Client({
    endPoint: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (useSSL ? 443 : 80) : Number(url.port),
    useSSL,
    accessKey,
    secretKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    region,
    transport: { request },
    transportAgent: useSSL ? new https.Agent({ ...agent, ca: authorities }) : new http.Agent(agent),
    // The client's own retries print to the console; ours are Temporal's.
    retryOptions: { disableRetry: true },
  });
}
