/** How long a service asks to wait. Here because it reads the clock, which the domain does not. */

/** Retry-After of a 429 or a 503, in seconds or as a date, in milliseconds from now; undefined if there is none. */
export function retryAfterMsOf({ status, headers }: Pick<Response, 'status' | 'headers'>): number | undefined {
  const text = headers.get('retry-after')?.trim();
  if (text === undefined || (status !== 429 && status !== 503)) return undefined;
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined;
}
