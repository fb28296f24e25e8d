/** Checks that the store that answers is this stack's: another one does not know its random credentials. */
import { foreignServer } from './foreign-server.ts';
import { storeClient } from './minio.ts';
import type { StoreSettings } from './s3-settings.ts';

const once = { timeoutMs: 5_000, retryOptions: { disableRetry: true } };

/** S3 codes of a server that does not know this stack's credentials. A HEAD without a body is AccessDenied. */
const unknownCredentials = ['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'AccessDenied'];

/** The S3 error code of a request with the stack's credentials; undefined if it succeeds. Throws without an answer. */
export async function refusalOf(settings: StoreSettings): Promise<string | undefined> {
  const listing = storeClient(settings, once).listObjectsV2(settings.bucket, 'none/');
  try {
    for await (const entry of listing) if (entry !== undefined) break;
    return undefined;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== undefined && isS3Code(code)) return code;
    throw error;
  } finally {
    listing.destroy();
  }
}

/** Whether the code is S3's: those are in camel case, the system's (ECONNREFUSED) are not. */
function isS3Code(code: string): boolean {
  return /^[A-Z][a-z]/.test(code);
}

/**
 * Whether the server was asked: a store that the user configured is not. Throws SERVER_FOREIGN, or the client's error if
 * the server does not answer.
 */
export async function proveStore(settings: StoreSettings): Promise<'proven' | 'unchecked'> {
  if (settings.isLocal !== true) return 'unchecked';
  const refusal = await refusalOf(settings);
  if (refusal === undefined || !unknownCredentials.includes(refusal)) return 'proven';
  throw foreignServer('store', settings.endpoint, `it does not know this stack's credentials (${refusal})`);
}
