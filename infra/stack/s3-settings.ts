/** A store outside the local stack, set by `MTRL_S3_ENDPOINT` or `AWS_ENDPOINT_URL_S3`, with AWS credentials. */
import type { S3Settings } from '../../artifacts/store/s3-settings.ts';
import { MtrlError } from '../../core/errors.ts';
import { type Env, valueOf } from './env.ts';

export interface StoreSettings extends S3Settings {
  readonly consoleUrl: string | undefined;
  /** Whether the store is a local stack's, whose credentials are its own: a server that rejects them is another one. */
  readonly isLocal?: boolean;
}

export const defaultBucket = 'mtrl';
export const defaultRegion = 'us-east-1';
const naming = ['MTRL_S3_ENDPOINT', 'AWS_ENDPOINT_URL_S3'] as const;

/** undefined if the environment names none. Throws USAGE. */
export function s3Override(env: Env): StoreSettings | undefined {
  const named = naming.find((variable) => valueOf(env, variable) !== undefined);
  if (named === undefined) return undefined;
  const endpoint = valueOf(env, named) ?? '';
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.pathname !== '/') {
    throw new MtrlError('USAGE', `${named} is not the URL of a store`, {
      where: `environment variable ${named}`,
      found: JSON.stringify(endpoint),
      hint: 'use http(s)://host:port without a path; set the bucket in MTRL_S3_BUCKET',
    });
  }
  // AWS credentials are used only for a store named in the environment: they must not be sent to the local MinIO.
  const accessKey = valueOf(env, 'AWS_ACCESS_KEY_ID');
  const secretKey = valueOf(env, 'AWS_SECRET_ACCESS_KEY');
  if (accessKey === undefined || secretKey === undefined) {
    throw new MtrlError('USAGE', 'the store has no credentials', {
      where: url.origin,
      found: `${accessKey === undefined ? 'AWS_ACCESS_KEY_ID' : 'AWS_SECRET_ACCESS_KEY'} is not set`,
      hint: `set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY together with ${named}`,
    });
  }
  const sessionToken = valueOf(env, 'AWS_SESSION_TOKEN');
  return {
    endpoint: url.origin,
    accessKey,
    secretKey,
    ...(sessionToken !== undefined && { sessionToken }),
    bucket: valueOf(env, 'MTRL_S3_BUCKET') ?? defaultBucket,
    region: valueOf(env, 'AWS_REGION') ?? valueOf(env, 'AWS_DEFAULT_REGION') ?? defaultRegion,
    consoleUrl: undefined,
  };
}
