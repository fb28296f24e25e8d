/** The AWS SDK's client, set for any S3-compatible server. It signs by the server's clock if this machine's is wrong. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { type PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { isRecord } from '../codecs/json-value.ts';
import type { S3Settings } from './s3-settings.ts';
import type { StoreClock } from './store-clock.ts';

/** A server silent for this long is considered dead; the activity's retry then tries again. */
const idleTimeoutMs = 30_000;

// Otherwise each process that opens a store prints that SDK versions of 2027 will require Node 22.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

/** What fails is thrown; the SDK's own lines would appear amid a progress bar. */
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };
function nothing(): void {
  // Nothing to say.
}

const connections = { keepAlive: true, maxSockets: 256 };

/** Called with the length of every body sent or received, if known. */
export type OnTransfer = (direction: 'read' | 'write', byteLength: number) => void;

export function s3Client(
  { endpoint, accessKey, secretKey, sessionToken, region }: S3Settings,
  clock: StoreClock,
  onTransfer: OnTransfer,
): S3Client {
  const client = new S3Client({
    endpoint,
    region,
    credentials: {
      accessKeyId: accessKey,
      secretAccessKey: secretKey,
      ...(sessionToken !== undefined && { sessionToken }),
    },
    // Host names of buckets need DNS entries that local servers do not have.
    forcePathStyle: true,
    // Retries are Temporal's.
    maxAttempts: 1,
    logger: silent,
    // Uploads are signed with their sha256; checksums of other kinds are unknown to some servers.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: idleTimeoutMs,
      socketTimeout: idleTimeoutMs,
      logger: silent,
      httpAgent: new HttpAgent(connections),
      httpsAgent: new HttpsAgent(connections),
    }),
  });
  client.middlewareStack.add(
    (next) => async (args) => {
      const request = requestOf(args);
      if (request.byteLength > 0) onTransfer('write', request.byteLength);
      const answer = await next(args);
      const headers = headersOf(answer.response);
      clock.learn(headers['date']);
      const read = Number(headers['content-length'] ?? 0);
      if (read > 0 && request.method === 'GET') onTransfer('read', read);
      return answer;
    },
    // The last one before the wire: it sees each answer, also those that become errors.
    { step: 'deserialize', priority: 'low', name: 'transfers' },
  );
  return client;
}

/** With the body's sha256 (hex), which the client would compute again, or for a stream leave out. */
export function signWith(digest: string, { middlewareStack }: PutObjectCommand): void {
  middlewareStack.add(
    (next) => (args) => {
      Object.assign(headersOf(args.request), { 'x-amz-content-sha256': digest });
      return next(args);
    },
    { step: 'build', name: 'body digest' },
  );
}

function requestOf({ request }: { readonly request: unknown }): {
  readonly method: unknown;
  readonly byteLength: number;
} {
  const method = isRecord(request) ? request['method'] : undefined;
  return { method, byteLength: Number(headersOf(request)['content-length'] ?? 0) };
}

function headersOf(message: unknown): Readonly<Record<string, string>> {
  return isRecord(message) && isRecord(message['headers']) ? (message['headers'] as Record<string, string>) : {};
}
