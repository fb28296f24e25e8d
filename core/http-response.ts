/** What clients of services outside share: bodies of bounded length, and the reason for a missing response. */

/** The body as text; undefined if it has more than `byteLengthMax` bytes. Throws if the connection ends within it. */
export async function textOf(response: Response, byteLengthMax: number): Promise<string | undefined> {
  return (await bytesOf(response, byteLengthMax))?.toString('utf8');
}

/** The body; undefined if it has more than `byteLengthMax` bytes. Throws if the connection ends within it. */
export async function bytesOf(response: Response, byteLengthMax: number): Promise<Buffer | undefined> {
  const parts: Uint8Array[] = [];
  let byteLength = 0;
  for await (const part of response.body ?? []) {
    parts.push(part as Uint8Array);
    byteLength += (part as Uint8Array).byteLength;
    // Leaving the loop cancels the rest of the body.
    if (byteLength > byteLengthMax) return undefined;
  }
  return Buffer.concat(parts);
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
