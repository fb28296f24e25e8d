/** What clients of services outside share: bodies of bounded length, Retry-After, the reason for a missing response. */

/** The body as text; undefined if it has more than `byteLengthMax` bytes. Throws if the connection ends within it. */
export async function textOf(response: Response, byteLengthMax: number): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let byteLength = 0;
  for await (const part of response.body ?? []) {
    parts.push(part as Uint8Array);
    byteLength += (part as Uint8Array).byteLength;
    // Leaving the loop cancels the rest of the body.
    if (byteLength > byteLengthMax) return undefined;
  }
  return Buffer.concat(parts).toString('utf8');
}

/** Retry-After of a 429 or a 503, given in seconds or as a date, in milliseconds from now; undefined if there is none. */
export function retryAfterMsOf({ status, headers }: Response): number | undefined {
  const text = headers.get('retry-after')?.trim();
  if (text === undefined || (status !== 429 && status !== 503)) return undefined;
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined;
}

/** The reason for a missing response: the system's error code if there is one, such as ECONNREFUSED. */
export function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return 'the request failed';
  if (error.name === 'TimeoutError') return `no answer within ${String(timeoutMs / 1000)} s`;
  return `the request failed: ${systemCodeOf(error) ?? error.name}`;
}

/** Code of the system's error behind a failed fetch, such as ECONNREFUSED or UND_ERR_SOCKET. */
export function systemCodeOf(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
}
