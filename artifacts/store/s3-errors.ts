/** What an S3 server's or a socket's error means for us. */
import { hostname } from 'node:os';
import { MtrlError } from '../../core/errors.ts';
import { errnoOf } from './errno.ts';

interface Place {
  readonly endpoint: string;
  readonly bucket: string;
}

/** S3 codes that no retry can cure, and what to do about each. */
const refusals: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: 'check AWS_ACCESS_KEY_ID: the store does not know this access key',
  SignatureDoesNotMatch: 'check AWS_SECRET_ACCESS_KEY: it does not belong to the access key',
  AccessDenied: 'check the credentials: they may not read and write this bucket',
  NoSuchBucket:
    'run `npm run mtrl -- up`, which makes the bucket of the local stack, or name an existing one in MTRL_S3_BUCKET',
  InvalidBucketName: 'choose a bucket name of at least 3 lower-case characters in MTRL_S3_BUCKET',
  AuthorizationHeaderMalformed: 'check AWS_REGION: the bucket is in another region',
};

/** What MinIO, AWS and others say when there is no room for the bytes. */
const fullCodes = [
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
  'QuotaExceeded',
  'StorageFull',
  'InsufficientStorage',
];

const brokenConnection = ['ECONNRESET', 'EPIPE', 'ECONNABORTED'];

export function isAbsent(error: unknown): boolean {
  // A HEAD has no body to tell a missing key from a missing bucket; the next GET or PUT tells.
  return ['NoSuchKey', 'NotFound'].includes(errnoOf(error) ?? '');
}

export function isPreconditionFailed(error: unknown): boolean {
  return errnoOf(error) === 'PreconditionFailed';
}

/** The connection was there and went away. */
export function isBroken(error: unknown): boolean {
  return brokenConnection.includes(errnoOf(error) ?? '');
}

/** A signature by another clock than the store's. */
function isSkewed(error: unknown): boolean {
  return errnoOf(error) === 'RequestTimeTooSkewed';
}

/** Also what a HEAD says of a signature by the wrong clock: it has no body to give the reason. */
export function isDenied(error: unknown): boolean {
  return errnoOf(error) === 'AccessDenied' || isSkewed(error);
}

/** The body of an answer ended before its end: the wire, not the object. */
export function cutOff({ endpoint, bucket }: Place, key: string, wanted: number, found: number): MtrlError {
  return new MtrlError('STORE_UNREACHABLE', 'an answer of the store was cut off', {
    where: `${endpoint}, bucket ${bucket}, ${key}`,
    found: `${String(found)} of ${String(wanted)} bytes`,
    hint: 'the request is repeated; if this recurs, look at what is between this machine and the store (proxies, time-outs)',
  });
}

/** `offsetMs`: the store's clock minus this machine's. */
export function storeError({ endpoint, bucket }: Place, cause: unknown, offsetMs = 0): MtrlError {
  if (cause instanceof MtrlError) return cause;
  const code = errnoOf(cause);
  const found = [code, cause instanceof Error ? cause.message : String(cause)]
    .filter((part) => part !== undefined && part !== '')
    .join(': ');
  const where = `${endpoint}, bucket ${bucket}`;
  if (isSkewed(cause))
    return new MtrlError('CLOCK_SKEWED', `the clock of ${hostname()} is not that of the store`, {
      where,
      found: `the store's clock is ${String(Math.round(Math.abs(offsetMs) / 1000))} s ${offsetMs < 0 ? 'behind' : 'ahead'}; ${found}`,
      hint: `set the clock of ${hostname()}, or that of the store, whichever is wrong; the work is tried again, also by other workers`,
      cause,
    });
  const hint = code === undefined ? undefined : refusals[code];
  if (hint !== undefined)
    return new MtrlError('STORE_REFUSED', 'the store refuses the request', { where, found, hint, cause });
  if (fullCodes.includes(code ?? '') || /HTTP status: 507/.test(found))
    return new MtrlError('STORE_FULL', 'the store has no space left', {
      where,
      found,
      hint: 'give its disk or quota more space, or remove what is not needed (`npm run mtrl -- gc`); work goes on by itself once there is space',
      cause,
    });
  // The client's word for any 5xx: the server is there and cannot do this request, for example because the bytes on its
  // disk no longer fit its own checksums.
  const status = /HTTP status: (5\d\d)/.exec(found)?.[1];
  if (status !== undefined)
    return new MtrlError('STORE_FAILED', 'the store answers with an error of its own', {
      where,
      found: `HTTP ${status}`,
      hint: 'look at the log of the store; `npm run mtrl -- verify` names the objects that it cannot read',
      cause,
    });
  return new MtrlError('STORE_UNREACHABLE', 'the store cannot be reached', {
    where,
    found,
    hint: 'see that it runs (`npm run mtrl -- doctor`, then `npm run mtrl -- up`) or correct MTRL_S3_ENDPOINT; work goes on by itself once it answers',
    cause,
  });
}
