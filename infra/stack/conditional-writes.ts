/** Which conditional writes a store honours: the commit protocol needs the first, promotions and leases the second. */
import { randomBytes } from 'node:crypto';
import { storeClient } from './minio.ts';
import type { StoreSettings } from './s3-settings.ts';

export interface ConditionalWrites {
  /** A PUT with `If-None-Match: *` is rejected if there is an object. */
  readonly ifNoneMatch: boolean;
  /** A PUT with `If-Match` is rejected if the object has another tag, and accepted if it has this one. */
  readonly ifMatch: boolean;
}

/** Tries them on an object of its own, which it removes. */
export async function conditionalWrites(target: StoreSettings): Promise<ConditionalWrites> {
  const client = storeClient(target, { timeoutMs: 5_000 });
  const key = `doctor/${randomBytes(8).toString('hex')}`;
  const put = async (text: string, headers: Record<string, string>): Promise<string | undefined> => {
    try {
      return (await client.putObject(target.bucket, key, Buffer.from(text), text.length, headers)).etag;
    } catch (error) {
      if ((error as { code?: string }).code === 'PreconditionFailed') return undefined;
      throw error;
    }
  };
  try {
    const first = await put('first', { 'If-None-Match': '*' });
    const ifNoneMatch = (await put('second', { 'If-None-Match': '*' })) === undefined;
    const current = ifNoneMatch ? first : (await client.statObject(target.bucket, key)).etag;
    const replaced = await put('third', { 'If-Match': `"${current ?? ''}"` });
    const refused = await put('fourth', { 'If-Match': `"${current ?? ''}"` });
    return { ifNoneMatch, ifMatch: replaced !== undefined && refused === undefined };
  } finally {
    await client.removeObject(target.bucket, key);
  }
}
