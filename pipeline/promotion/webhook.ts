/**
 * One event to one webhook, signed as Standard Webhooks 1.0 says (github.com/standard-webhooks): `webhook-signature` is
 * `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, so that a receiver can check with any library of that
 * standard who sent the raw bytes, and that they are not an old message sent again.
 */
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Message {
  /** The same for every attempt: a receiver drops what it has seen. */
  readonly id: string;
  /** Raw JSON. */
  readonly body: string;
}

export interface WebhookPatience {
  /** Of one request. */
  readonly timeoutMs: number;
  /** Waits before the second, third, ... attempt. */
  readonly backoffMs: readonly number[];
}

/** Resolves to the reason why it was not delivered, or undefined. Never throws. The signal ends a request under way. */
export async function postSigned(
  url: string,
  message: Message,
  secret: string | undefined,
  { timeoutMs, backoffMs }: WebhookPatience,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (let attempt = 0; ; attempt++) {
    const { problem, worthRetry } = await post(url, message, secret, timeoutMs, signal);
    const waitMs = backoffMs[attempt];
    if (problem === undefined) return undefined;
    if (!worthRetry || waitMs === undefined || signal.aborted)
      return `${placeOf(url)}: ${problem}, attempt ${String(attempt + 1)}`;
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

/** base64 of the HMAC. `whsec_` marks a secret that is base64 itself; any other is taken as it stands. */
function signatureOf({ id, body }: Message, timestampSeconds: number, secret: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : secret;
  return createHmac('sha256', key)
    .update(`${id}.${String(timestampSeconds)}.${body}`)
    .digest('base64');
}

interface Outcome {
  readonly problem?: string;
  /** The other side may be well again in a moment. */
  readonly worthRetry?: boolean;
}

async function post(
  url: string,
  message: Message,
  secret: string | undefined,
  timeoutMs: number,
  cancelled: AbortSignal,
): Promise<Outcome> {
  const timestampSeconds = Math.floor(Date.now() / 1000);
  const headers = {
    'content-type': 'application/json',
    'webhook-id': message.id,
    'webhook-timestamp': String(timestampSeconds),
    ...(secret !== undefined && { 'webhook-signature': `v1,${signatureOf(message, timestampSeconds, secret)}` }),
  };
  try {
    const signal = AbortSignal.any([cancelled, AbortSignal.timeout(timeoutMs)]);
    const response = await fetch(url, { method: 'POST', headers, body: message.body, signal, redirect: 'manual' });
    await response.body?.cancel();
    if (response.ok) return {};
    const { status } = response;
    return { problem: `status ${String(status)}`, worthRetry: status >= 500 || status === 429 || status === 408 };
  } catch (error) {
    return { problem: reasonOf(error, timeoutMs), worthRetry: true };
  }
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${String(timeoutMs / 1000)} s`;
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
}

/** The path of a webhook is often a secret of its own. */
function placeOf(url: string): string {
  return `webhook at ${new URL(url).origin}`;
}
