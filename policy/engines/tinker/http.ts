/**
 * Requests to a server of the Tinker API. A request without an answer is sent again, for as long as the settings say:
 * its sequence id makes it apply once. All requests keep a pause that the server asks for (Retry-After).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { bytesOf, reasonOf } from '../../../core/http-response.ts';
import { failureOf, invalidAnswer, isPassing, unreachable } from './failures.ts';
import { protobufType } from './protobuf.ts';
import type { TinkerSettings } from './settings.ts';
import { isZstdFrame, zstdFrameOf } from './zstd.ts';

const bodyByteLengthMax = 256 << 20;
const requestTimeoutMs = 60_000;
const backoffMsMax = 8_000;

interface SendOptions {
  readonly signal?: AbortSignal | undefined;
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly timeoutMs?: number;
  /** How long a failing server is asked again. Default: that of the settings. */
  readonly retryMs?: number;
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly isProtobuf: boolean;
  readonly retryAfterMs?: number | undefined;
}

/** A body as it is sent. */
interface Encoded {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** Why there is no answer. */
interface NoAnswer {
  readonly reason: string;
  readonly isTimeout: boolean;
}

export class TinkerHttp {
  readonly #settings: TinkerSettings;
  /** Whether protobuf is sent compressed with zstd. */
  compressesPasses = false;
  #pausedUntilMs = 0;
  #outcomeCount = 0;

  constructor(settings: TinkerSettings) {
    this.#settings = settings;
  }

  /** Grows with every answer, and with every attempt that had none. */
  get outcomeCount(): number {
    return this.#outcomeCount;
  }

  /**
   * @param body bytes are protobuf. Throws ENGINE_UNREACHABLE, ENGINE_REFUSED, ENGINE_ANSWER_INVALID, LostOnServer, the
   *   signal's reason
   */
  async send<T>(verb: string, schema: z.ZodType<T>, body?: object, options: SendOptions = {}): Promise<T> {
    const answer = (await this.#answer(verb, body, options, () => false)) as Answer;
    return this.read(verb, schema, answer, jsonOf(answer.body));
  }

  /** The answer of a long poll; undefined if it ended without one. Throws ENGINE_UNREACHABLE, the signal's reason. */
  poll(verb: string, body: object, options: SendOptions): Promise<Answer | undefined> {
    return this.#answer(verb, body, options, (outcome) =>
      'status' in outcome ? outcome.status === 408 : outcome.isTimeout,
    );
  }

  /** @param value what the answer holds. Throws ENGINE_REFUSED, ENGINE_ANSWER_INVALID, LostOnServer */
  read<T>(verb: string, schema: z.ZodType<T>, answer: Answer, value: unknown): T {
    const where = this.#addressOf(verb);
    if (answer.status >= 300) throw failureOf(answer.status, this.#said(answer), where);
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const found =
      value === undefined ? 'nothing that can be read' : `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
    throw invalidAnswer(where, found);
  }

  /** The first outcome that is neither passing nor awaited. */
  async #answer(
    verb: string,
    body: object | undefined,
    options: SendOptions,
    isAwaited: (outcome: Answer | NoAnswer) => boolean,
  ): Promise<Answer | undefined> {
    const { backoffMs } = this.#settings;
    const { signal, retryMs = this.#settings.retryMs } = options;
    const encoded = body && (await this.#encoded(body));
    const startedAtMs = performance.now();
    for (let attempt = 0; ; attempt++) {
      await pause(this.#pausedUntilMs - performance.now(), signal);
      const outcome = await this.#attempt(verb, encoded, options);
      if (isAwaited(outcome)) return undefined;
      if ('status' in outcome && isZstdFrame(outcome.body)) {
        throw invalidAnswer(this.#addressOf(verb), 'a body compressed with zstd, which the request did not accept');
      }
      if ('status' in outcome && !isPassing(outcome.status)) return outcome;
      const askedMs = 'status' in outcome ? outcome.retryAfterMs : undefined;
      const waitMs = askedMs ?? Math.min(backoffMsMax, backoffMs * 2 ** Math.min(attempt, 10));
      if (performance.now() + waitMs - startedAtMs > retryMs) {
        throw unreachable(this.#addressOf(verb), 'status' in outcome ? this.#said(outcome) : outcome.reason);
      }
      if (askedMs === undefined) await pause(waitMs, signal);
      else this.#pausedUntilMs = Math.max(this.#pausedUntilMs, performance.now() + askedMs);
    }
  }

  async #encoded(body: object): Promise<Encoded> {
    if (!(body instanceof Uint8Array)) {
      return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    }
    const headers = { 'content-type': protobufType };
    if (!this.compressesPasses) return { headers, body };
    return { headers: { ...headers, 'content-encoding': 'zstd' }, body: await zstdFrameOf(body) };
  }

  async #attempt(verb: string, encoded: Encoded | undefined, options: SendOptions): Promise<Answer | NoAnswer> {
    const { key, retryAfterMsOf } = this.#settings;
    const { signal, method = encoded === undefined ? 'GET' : 'POST', timeoutMs = requestTimeoutMs } = options;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(this.#addressOf(verb), {
        method,
        headers: {
          accept: `${protobufType}, application/json`,
          ...encoded?.headers,
          ...(key !== undefined && { 'x-api-key': key }),
        },
        ...(encoded && { body: encoded.body }),
        // The key is sent only to the address in the settings.
        redirect: 'manual',
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      const bytes = await bytesOf(response, bodyByteLengthMax);
      const isProtobuf = response.headers.get('content-type')?.startsWith(protobufType) === true;
      const { status } = response;
      if (bytes !== undefined) return { status, body: bytes, isProtobuf, retryAfterMs: retryAfterMsOf(response) };
      return { reason: `a body of more than ${String(bodyByteLengthMax)} bytes`, isTimeout: false };
    } catch (error) {
      signal?.throwIfAborted();
      return { reason: reasonOf(error, timeoutMs), isTimeout: timeout.aborted };
    } finally {
      this.#outcomeCount++;
    }
  }

  #addressOf(verb: string): string {
    return `${this.#settings.url}/api/v1/${verb}`;
  }

  /** What the server says is wrong, on one line and without the key: it may repeat what it was sent. */
  #said({ status, body }: Answer): string {
    const { key } = this.#settings;
    const value = jsonOf(body) as { readonly detail?: unknown; readonly error?: unknown } | null | undefined;
    const words = value?.detail ?? value?.error ?? body.toString('utf8');
    const text = typeof words === 'string' ? words : JSON.stringify(words);
    const clean = text.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim();
    return (key === undefined ? clean : clean.replaceAll(key, '(key)')).slice(0, 300) || `status ${String(status)}`;
  }
}

/** Rejects with the signal's reason. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  if (ms <= 0) return;
  await sleep(ms, undefined, signal && { signal }).catch(() => undefined);
  signal?.throwIfAborted();
}

/** null if the body is empty, undefined if it is not JSON. */
export function jsonOf(body: Buffer): unknown {
  try {
    return body.length === 0 ? null : (JSON.parse(body.toString('utf8')) as unknown);
  } catch {
    return undefined;
  }
}
