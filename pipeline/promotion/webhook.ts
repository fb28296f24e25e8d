/**
 * Sends one event to one webhook, signed per Standard Webhooks 1.0 (github.com/standard-webhooks): `webhook-signature`
 * is `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`. A receiver can use any library of that standard to
 * verify the sender of the raw bytes and to reject replayed messages.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { MtrlError } from '../../core/errors.ts';
import { fetchFor } from '../../core/guarded-fetch.ts';

export interface Message {
  /** The same for every attempt: receivers use it to drop duplicates. */
  readonly id: string;
  /** Raw JSON. */
  readonly body: string;
}

export interface WebhookPatience {
  /** Timeout of one request. */
  readonly timeoutMs: number;
  /** Delays before the second, third, ... attempt. */
  readonly backoffMs: readonly number[];
}

/** Resolves to undefined on delivery, else to the reason. Never throws. The signal aborts a request in flight. */
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

/** `whsec_` marks a base64 secret; any other is used as it is. */
function signatureOf({ id, body }: Message, time: Date, secret: string): string {
  // As bytes: from a string the library takes one byte per character, and it accepts only padded base64.
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
  return new Webhook(key, { format: 'raw' }).sign(id, time, body);
}

interface Outcome {
  readonly problem?: string;
  /** The failure may be temporary. */
  readonly worthRetry?: boolean;
}

async function post(
  url: string,
  message: Message,
  secret: string | undefined,
  timeoutMs: number,
  cancelled: AbortSignal,
): Promise<Outcome> {
  try {
    const time = new Date();
    const headers = {
      'content-type': 'application/json',
      'webhook-id': message.id,
      'webhook-timestamp': String(Math.floor(time.getTime() / 1000)),
      ...(secret !== undefined && { 'webhook-signature': signatureOf(message, time, secret) }),
    };
    const signal = AbortSignal.any([cancelled, AbortSignal.timeout(timeoutMs)]);
    const init = { method: 'POST', headers, body: message.body, signal, redirect: 'manual' } as const;
    const response = await fetchFor(url)(url, init);
    await response.body?.cancel();
    if (response.ok) return {};
    const { status } = response;
    return { problem: `status ${String(status)}`, worthRetry: status >= 500 || status === 429 || status === 408 };
  } catch (error) {
    if (error instanceof MtrlError) return { problem: `${error.code}: ${error.message}` };
    return { problem: reasonOf(error, timeoutMs), worthRetry: true };
  }
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${String(timeoutMs / 1000)} s`;
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
}

/** The origin alone: the path of a webhook URL is often secret. */
function placeOf(url: string): string {
  return `webhook at ${new URL(url).origin}`;
}
