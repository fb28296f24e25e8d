/** Pictures of a request: data URIs, and addresses of hosts that the operator allows. */
import { fetchFor } from '../../core/guarded-fetch.ts';
import { takeImage } from '../../judge/datasets/sources/encoded-image.ts';
import { inlineImage } from '../../judge/datasets/sources/inline-image.ts';
import { UnusableRow } from '../../judge/datasets/reading.ts';
import type { Limits } from '../limits.ts';

export interface PictureRules extends Pick<Limits, 'pixelCountMax' | 'bodyByteLengthMax'> {
  /** Hosts, with port if it is not the usual one, from which pictures are fetched. Default: none. */
  readonly hosts: readonly string[];
}

export interface RequestImage {
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

const fetchTimeoutMs = 10_000;

/** @param field names the picture in messages. Throws UnusableRow. */
export async function requestImage(text: string, field: string, rules: PictureRules): Promise<RequestImage> {
  const bytes = inlineImage(text) ?? (await fetched(text, field, rules));
  const { sha256 } = await takeImage(bytes, field, Infinity, rules.pixelCountMax);
  return { sha256, bytes };
}

async function fetched(text: string, field: string, rules: PictureRules): Promise<Uint8Array> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new UnusableRow('IMAGE_MISSING', `${field} must be a data URI: data:image/png;base64,...`);
  if (!rules.hosts.includes(url.host))
    throw new UnusableRow(
      'IMAGE_MISSING',
      `${field} is an address of ${url.host}, from which this server fetches nothing: send the picture as a data URI, or start the server with --picture-host ${url.host}`,
    );
  const init = { redirect: 'error', signal: AbortSignal.timeout(fetchTimeoutMs) } as const;
  const response = await fetchFor(url)(url, init).catch((error: unknown) => {
    throw new UnusableRow('IMAGE_MISSING', `${field} cannot be fetched from ${url.host}: ${reasonOf(error)}`);
  });
  if (!response.ok || response.body === null)
    throw new UnusableRow('IMAGE_MISSING', `${field}: ${url.host} answered with status ${response.status}`);
  return bounded(response.body, field, rules.bodyByteLengthMax);
}

async function bounded(body: AsyncIterable<Uint8Array>, field: string, byteLengthMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let byteLength = 0;
  try {
    for await (const part of body) {
      byteLength += part.byteLength;
      if (byteLength > byteLengthMax)
        throw new UnusableRow('IMAGE_TOO_LARGE', `${field} has more than ${byteLengthMax} bytes`);
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof UnusableRow) throw error;
    throw new UnusableRow('IMAGE_MISSING', `${field} was cut off: ${reasonOf(error)}`);
  }
  return Buffer.concat(parts);
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
