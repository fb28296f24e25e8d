/**
 * A store outside the local stack, set by `MTRL_S3_ENDPOINT` or `AWS_ENDPOINT_URL_S3`, with AWS credentials and, for
 * certificates of one's own, AWS_CA_BUNDLE.
 */
import { readFileSync } from 'node:fs';
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
  const authorities = authoritiesOf(env);
  return {
    endpoint: url.origin,
    accessKey,
    secretKey,
    ...(sessionToken !== undefined && { sessionToken }),
    bucket: valueOf(env, 'MTRL_S3_BUCKET') ?? defaultBucket,
    region: valueOf(env, 'AWS_REGION') ?? valueOf(env, 'AWS_DEFAULT_REGION') ?? defaultRegion,
    consoleUrl: undefined,
    ...(authorities !== undefined && { authorities }),
  };
}

/** As the AWS CLI reads it: a file of certificates in PEM. */
function authoritiesOf(env: Env): string | undefined {
  const path = valueOf(env, 'AWS_CA_BUNDLE');
  if (path === undefined) return undefined;
  const found = textOf(path);
  if (found.text?.includes('-----BEGIN CERTIFICATE-----') === true) return found.text;
  throw new MtrlError('USAGE', 'AWS_CA_BUNDLE is not a file of certificates', {
    where: 'environment variable AWS_CA_BUNDLE',
    found: `${path}: ${found.problem ?? 'no certificate in PEM'}`,
    hint: 'name a file with the certificates of your authority in PEM',
  });
}

function textOf(path: string): { readonly text?: string; readonly problem?: string } {
  try {
    return { text: readFileSync(path, 'utf8') };
  } catch (error) {
    return { problem: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}
