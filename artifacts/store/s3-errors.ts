/** Maps errors of an S3 server or a socket to coded errors. */
import { hostname } from 'node:os';
import { MtrlError } from '../../core/errors.ts';
import { errnoOf } from './errno.ts';

interface Place {
  readonly endpoint: string;
  readonly bucket: string;
}

/** S3 codes that no retry can cure, and what to do about each. */
const refusals: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: 'check AWS_ACCESS_KEY_ID: the access key is unknown to the store',
  SignatureDoesNotMatch: 'check AWS_SECRET_ACCESS_KEY: it does not belong to the access key',
  AccessDenied: 'check the credentials: they do not allow reading and writing this bucket',
  NoSuchBucket:
    'run `npm run mtrl -- up`, which creates the bucket of the local stack, or set MTRL_S3_BUCKET to an existing one',
  InvalidBucketName: 'set MTRL_S3_BUCKET to a name of at least 3 lower-case characters',
  AuthorizationHeaderMalformed: 'check AWS_REGION: the bucket is in another region',
};

/** Codes of MinIO, AWS and others for a full disk or quota. */
const fullCodes = [
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
  'QuotaExceeded',
  'StorageFull',
  'InsufficientStorage',
];

/** Node's codes for a certificate that nobody it knows vouches for. */
const untrusted = /^(UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_UNTRUSTED)/;

const brokenConnection = ['ECONNRESET', 'EPIPE', 'ECONNABORTED'];

export function isAbsent(error: unknown): boolean {
  // A HEAD has no body to tell a missing key from a missing bucket; the next GET or PUT does.
  return ['NoSuchKey', 'NotFound'].includes(errnoOf(error) ?? '');
}

export function isPreconditionFailed(error: unknown): boolean {
  return errnoOf(error) === 'PreconditionFailed';
}

/** The connection existed and was lost. */
export function isBroken(error: unknown): boolean {
  return brokenConnection.includes(errnoOf(error) ?? '');
}

/** A signature by a clock that differs from the store's. */
function isSkewed(error: unknown): boolean {
  return errnoOf(error) === 'RequestTimeTooSkewed';
}

/** A HEAD also returns this for a signature by the wrong clock: it has no body with the reason. */
export function isDenied(error: unknown): boolean {
  return errnoOf(error) === 'AccessDenied' || isSkewed(error);
}

/** The server does not know the key that signed the request, or knows it with another secret. */
export function isUnknownKey(error: unknown): boolean {
  return ['InvalidAccessKeyId', 'SignatureDoesNotMatch'].includes(errnoOf(error) ?? '');
}

/** A refusal of credentials that the store has accepted: some servers share their ports with others (SO_REUSEPORT). */
export function strangerBeside({ endpoint, bucket }: Place, cause: unknown): MtrlError {
  return new MtrlError('SERVER_FOREIGN', 'another server answers some of the requests to the store', {
    where: `${endpoint}, bucket ${bucket}`,
    found: `credentials that it accepts were refused (${errnoOf(cause) ?? ''})`,
    hint: 'stop the other server that listens on this port (`ss -ltnp`); the work is retried',
    cause,
  });
}

/** The body of a response was truncated: by the network, not the object. */
export function cutOff({ endpoint, bucket }: Place, key: string, wanted: number, found: number): MtrlError {
  return new MtrlError('STORE_UNREACHABLE', "the store's response was truncated", {
    where: `${endpoint}, bucket ${bucket}, ${key}`,
    found: `${String(found)} of ${String(wanted)} bytes`,
    hint: 'the request is retried; if this recurs, check the network path to the store (proxies, timeouts)',
  });
}

/** A refusal because of the time of the signature. `offsetMs`: the store's clock minus this machine's. */
export function clockSkewed({ endpoint, bucket }: Place, cause: unknown, offsetMs: number): MtrlError {
  return new MtrlError('CLOCK_SKEWED', `the clock of ${hostname()} differs from the store's`, {
    where: `${endpoint}, bucket ${bucket}`,
    found: `the store's clock is ${String(Math.round(Math.abs(offsetMs) / 1000))} s ${offsetMs < 0 ? 'behind' : 'ahead'}; ${foundIn(cause)}`,
    hint: `set the clock of ${hostname()}, or that of the store, whichever is wrong; the work is retried, also by other workers`,
    cause,
  });
}

function foundIn(cause: unknown): string {
  return [errnoOf(cause), cause instanceof Error ? cause.message : String(cause)]
    .filter((part) => part !== undefined && part !== '')
    .join(': ');
}

/** `offsetMs`: the store's clock minus this machine's. */
export function storeError({ endpoint, bucket }: Place, cause: unknown, offsetMs = 0): MtrlError {
  if (cause instanceof MtrlError) return cause;
  const code = errnoOf(cause);
  const found = foundIn(cause);
  const where = `${endpoint}, bucket ${bucket}`;
  if (isSkewed(cause)) return clockSkewed({ endpoint, bucket }, cause, offsetMs);
  const hint = code === undefined ? undefined : refusals[code];
  if (hint !== undefined)
    return new MtrlError('STORE_REFUSED', 'the store rejects the request', { where, found, hint, cause });
  if (fullCodes.includes(code ?? '') || /HTTP status: 507/.test(found))
    return new MtrlError('STORE_FULL', 'the store has no space left', {
      where,
      found,
      hint: 'enlarge its disk or quota, or delete unreferenced artifacts (`npm run mtrl -- gc`); work continues by itself once there is space',
      cause,
    });
  // The client maps any 5xx to this: the server is up and cannot process this request, for example because the bytes on
  // its disk do not match its own checksums.
  const status = /HTTP status: (5\d\d)/.exec(found)?.[1];
  if (status !== undefined)
    return new MtrlError('STORE_FAILED', 'the store returned an internal error', {
      where,
      found: `HTTP ${status}`,
      hint: 'see the log of the store; `npm run mtrl -- verify` lists the unreadable objects',
      cause,
    });
  return new MtrlError('STORE_UNREACHABLE', 'the store cannot be reached', {
    where,
    found,
    hint: untrusted.test(code ?? '')
      ? 'its certificate is of an unknown authority: name that in AWS_CA_BUNDLE (docs/production.md)'
      : 'check that it is running (`npm run mtrl -- doctor`, then `npm run mtrl -- up`) or correct MTRL_S3_ENDPOINT; work continues by itself once it answers',
    cause,
  });
}
