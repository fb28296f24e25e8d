/** What an S3 server's or a socket's error means for us. */
import { MtrlError } from '../core/errors.ts';
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
  RequestTimeTooSkewed: 'set the clock of this machine: it is more than 15 minutes off that of the store',
  AuthorizationHeaderMalformed: 'check AWS_REGION: the bucket is in another region',
};

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

export function storeError({ endpoint, bucket }: Place, cause: unknown): MtrlError {
  if (cause instanceof MtrlError) return cause;
  const code = errnoOf(cause);
  const found = [code, cause instanceof Error ? cause.message : String(cause)]
    .filter((part) => part !== undefined && part !== '')
    .join(': ');
  const where = `${endpoint}, bucket ${bucket}`;
  const hint = code === undefined ? undefined : refusals[code];
  if (hint !== undefined)
    return new MtrlError('STORE_REFUSED', 'the store refuses the request', { where, found, hint, cause });
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
