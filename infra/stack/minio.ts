/** The stack's store: a MinIO server, and the bucket with all of the project's data. */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { join } from 'node:path';
import { Client, type ClientOptions } from 'minio';
import { MtrlError } from '../../core/errors.ts';
import { findOrMakeBinary } from '../binaries/binaries.ts';
import { host } from './ports.ts';
import type { Log, ServerSpec } from './server.ts';
import type { Env } from './env.ts';
import type { StackSettings } from './settings.ts';
import { withoutPrefix } from './temporal.ts';

type Target = StackSettings['s3'];

export function makeCredentials(): { accessKey: string; secretKey: string } {
  return { accessKey: `mtrl${randomBytes(6).toString('hex')}`, secretKey: randomBytes(24).toString('base64url') };
}

export function minioServer(
  home: string,
  target: Target,
  ports: { port: number; consolePort: number },
  env: Env,
  log: Log,
): ServerSpec {
  const data = join(home, 'minio');
  return {
    name: 'minio',
    port: ports.port,
    uiPort: ports.consolePort,
    data: { path: data, damaged: /Unable to use the drive|format\.json|corrupted (backend|format)/i },
    daemon: async () => {
      const binary = await findOrMakeBinary('minio', log);
      mkdirSync(data, { recursive: true });
      // An empty folder: certificates in ~/.minio would switch this server to https.
      const certificates = join(home, 'minio-certs');
      mkdirSync(certificates, { recursive: true });
      return {
        command: binary.path,
        args: [
          ...['server', data, '--quiet', '--certs-dir', certificates],
          ...[
            '--address',
            `${host}:${String(ports.port)}`,
            '--console-address',
            `${host}:${String(ports.consolePort)}`,
          ],
        ],
        cwd: home,
        env: {
          ...withoutPrefix(env, 'MINIO_'),
          MINIO_ROOT_USER: target.accessKey,
          MINIO_ROOT_PASSWORD: target.secretKey,
          MINIO_UPDATE: 'off',
        },
      };
    },
    probe: (timeoutMs) => probeStore(target, timeoutMs),
  };
}

/**
 * Throws unless the store is ready. MinIO reports itself live before it can serve: until its users are loaded, every S3
 * request gets 503.
 */
async function probeStore(target: Target, timeoutMs: number): Promise<void> {
  const live = new URL('/minio/health/live', target.endpoint);
  const response = await fetch(live, { signal: AbortSignal.timeout(timeoutMs) });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`HTTP ${String(response.status)}`);
  await storeClient(target, { timeoutMs, retryOptions: { disableRetry: true } }).bucketExists(target.bucket);
}

/** A server that sends nothing for `timeoutMs` has failed: the request then throws. */
export function storeClient(
  { endpoint, accessKey, secretKey, sessionToken, region, authorities }: Target,
  { timeoutMs = 30_000, retryOptions = {} }: { timeoutMs?: number; retryOptions?: ClientOptions['retryOptions'] } = {},
): Client {
  const url = new URL(endpoint);
  const useSSL = url.protocol === 'https:';
  const port = url.port === '' ? (useSSL ? 443 : 80) : Number(url.port);
  const endPoint = url.hostname.replace(/^\[|\]$/g, '');
  const token = sessionToken === undefined ? {} : { sessionToken };
  const transport = answeringWithin(timeoutMs, useSSL ? https : http);
  const agent = useSSL && { transportAgent: new https.Agent({ ca: authorities }) };
  return new Client({
    endPoint,
    port,
    useSSL,
    accessKey,
    secretKey,
    ...token,
    region,
    transport,
    ...agent,
    retryOptions,
  });
}

/** The client itself waits for ever. */
function answeringWithin(timeoutMs: number, { request }: typeof http | typeof https): Pick<typeof http, 'request'> {
  const limited = (options: http.RequestOptions, onResponse: (response: http.IncomingMessage) => void) => {
    const sent = request({ ...options, timeout: timeoutMs }, onResponse);
    return sent.on('timeout', () => sent.destroy(new Error(`no answer for ${String(timeoutMs / 1000)} s`)));
  };
  return { request: limited as typeof http.request };
}

export async function ensureBucket(target: Target, isLocal: boolean): Promise<void> {
  const client = storeClient(target);
  try {
    if (await client.bucketExists(target.bucket)) return;
    await client.makeBucket(target.bucket, target.region);
  } catch (cause) {
    const { code, message } = cause as { code?: string; message: string };
    // Another `up` may have created it in between.
    if (code === 'BucketAlreadyOwnedByYou') return;
    throw new MtrlError('STORE_UNREACHABLE', 'the store is not usable', {
      where: `${target.endpoint}, bucket ${target.bucket}`,
      found: [code, message].filter((part) => part !== undefined && part !== '').join(': '),
      hint: isLocal
        ? 'run `npm run mtrl -- up`'
        : 'check MTRL_S3_ENDPOINT, MTRL_S3_BUCKET and the AWS_* credentials; the bucket must exist or be creatable',
      cause,
    });
  }
}
