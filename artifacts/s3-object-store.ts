/**
 * Objects in an S3 bucket, through the `minio` client. Only single PUTs: the client's multipart upload (8.0.7) numbers
 * parts from 2 and joins the uploads of other attempts under the same key.
 */
import * as http from 'node:http';
import * as https from 'node:https';
import { Readable } from 'node:stream';
import { Client } from 'minio';
import { sha256 } from '../core/json.ts';
import {
  type ByteRange,
  checkKey,
  keyUnder,
  type ObjectEntry,
  type ObjectHead,
  type ObjectStore,
  type StreamBody,
} from './object-store.ts';
import { isAbsent, isBroken, isPreconditionFailed, storeError } from './s3-errors.ts';

export interface S3Settings {
  /** http(s) URL without a path. */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly bucket: string;
  readonly region: string;
}

/** A server that says nothing for so long is taken for dead; the activity's retry then tries again. */
const idleTimeoutMs = 30_000;

export class S3ObjectStore implements ObjectStore {
  readonly name: string;
  readonly #settings: S3Settings;
  readonly #client: Client;
  readonly #baseUri: string;

  constructor(settings: S3Settings) {
    this.#settings = settings;
    this.name = `bucket ${settings.bucket} at ${settings.endpoint}`;
    this.#baseUri = `s3://${settings.bucket}/`;
    this.#client = makeClient(settings);
  }

  uriOf(key: string): string {
    return `${this.#baseUri}${checkKey(key)}`;
  }

  keyOf(uri: string): string {
    return keyUnder(this.#baseUri, uri, this.name);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#ask(async () => {
      const response = await this.#client.getObject(this.#settings.bucket, checkKey(key));
      const chunks: Uint8Array[] = [];
      for await (const chunk of response) chunks.push(chunk as Uint8Array);
      return Buffer.concat(chunks);
    });
  }

  /** As `head`, also for keys that others have written: users' files have names of their own. */
  async open(key: string, range?: ByteRange): Promise<Readable | undefined> {
    const { bucket } = this.#settings;
    const response = await this.#ask(() =>
      range === undefined
        ? this.#client.getObject(bucket, key)
        : this.#client.getPartialObject(bucket, key, range.start, range.end - range.start),
    );
    return response && Readable.from(this.#explained(response), { objectMode: false });
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#put(key, bytes, {});
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<'written' | 'exists'> {
    return this.#put(key, bytes, { 'if-none-match': '*' });
  }

  async putStream(key: string, { open, byteLength, sha256 }: StreamBody): Promise<void> {
    await this.#upload(key, open, byteLength, sha256, {});
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    return this.#ask(async () => {
      const found = await this.#client.statObject(this.#settings.bucket, key);
      return { byteLength: found.size };
    });
  }

  async *list(prefix: string): AsyncIterable<ObjectEntry> {
    const entries = this.#client.listObjectsV2(this.#settings.bucket, prefix, true);
    for await (const entry of this.#explained(entries)) {
      const { name, size } = entry as { readonly name?: string; readonly size: number };
      if (name !== undefined) yield { key: name, byteLength: size };
    }
  }

  async #put(key: string, bytes: Uint8Array, headers: Record<string, string>): Promise<'written' | 'exists'> {
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
  ): Promise<'written' | 'exists'> {
    const { bucket, endpoint } = this.#settings;
    const signed = endpoint.startsWith('https:') ? '' : digest;
    const written = await this.#ask(async () => {
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
        if (isPreconditionFailed(error)) return 'exists' as const;
        throw error;
      }
    }, 'throw');
    return written;
  }

  async #ask<T>(request: () => Promise<T>): Promise<T | undefined>;
  async #ask<T>(request: () => Promise<T>, ifAbsent: 'throw'): Promise<T>;
  /** Once more when a kept-alive connection broke (the server was restarted): every request here can be repeated. */
  async #ask<T>(request: () => Promise<T>, ifAbsent: 'undefined' | 'throw' = 'undefined'): Promise<T | undefined> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await request();
      } catch (error) {
        if (ifAbsent === 'undefined' && isAbsent(error)) return undefined;
        if (attempt > 0 || !isBroken(error)) throw storeError(this.#settings, error);
      }
    }
  }

  /** The stream, with its failures in our words. */
  async *#explained(stream: Readable): AsyncIterable<unknown> {
    try {
      yield* stream;
    } catch (error) {
      throw storeError(this.#settings, error);
    } finally {
      stream.destroy();
    }
  }
}

function makeClient({ endpoint, accessKey, secretKey, region }: S3Settings): Client {
  const url = new URL(endpoint);
  const useSSL = url.protocol === 'https:';
  const protocol = useSSL ? https : http;
  const request = (options: http.RequestOptions, onResponse: (response: http.IncomingMessage) => void) => {
    const sent = protocol.request({ ...options, timeout: idleTimeoutMs }, onResponse);
    // Node only reports the silence; ending the request is left to us.
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${String(idleTimeoutMs / 1000)} s`)));
    return sent;
  };
  return new Client({
    endPoint: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (useSSL ? 443 : 80) : Number(url.port),
    useSSL,
    accessKey,
    secretKey,
    region,
    transport: { request: request as typeof http.request },
    transportAgent: new protocol.Agent({ keepAlive: true, maxSockets: 64 }),
    // The client's own retries print to the console; ours are Temporal's.
    retryOptions: { disableRetry: true },
  });
}
