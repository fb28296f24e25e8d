/**
 * Any OpenAI-compatible endpoint, for asking only: POST {address}/chat/completions. An attempt that was not computed
 * (429, 5xx, no connection) is repeated after a pause that all requests keep; one that may have been computed and billed
 * (a timeout, a connection lost after sending, a body that is no answer) only a few times.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { MtrlError } from '../../../core/errors.ts';
import { fetchFor } from '../../../core/guarded-fetch.ts';
import { reasonOf, systemCodeOf, textOf } from '../../../core/http-response.ts';
import type { Endpoint, EndpointAnswer, EndpointSettings, EndpointSurroundings } from '../endpoint.ts';
import { chatRequest } from './chat-request.ts';
import { answerIn, errorIn } from './chat-response.ts';
import { type Failure, failureOf, lost, type Place, refusalOf, unreachable } from './failures.ts';
import { Key } from './key.ts';

/** Per request, within one attempt of the activity. */
const attemptCountMax = { busy: 10, lost: 3 } as const;
const bodyByteLengthMax = 16 << 20;
const backoffMsMax = 60_000;

/** The request did not leave: nothing can have been computed. */
const unsent = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

/** @param backoffMs pause after the first failure without Retry-After; it doubles with each further one */
export function openOpenai(
  settings: EndpointSettings,
  surroundings: EndpointSurroundings,
  backoffMs = 1_000,
): Endpoint {
  const client = new ChatClient(settings, surroundings, backoffMs);
  return { requestOf: (question) => chatRequest(settings, question), ask: (request) => client.ask(request) };
}

class ChatClient {
  readonly #settings: EndpointSettings;
  readonly #surroundings: EndpointSurroundings;
  readonly #backoffMs: number;
  readonly #key: Key;
  readonly #place: Place;
  /** Resolves when the endpoint may be asked again. */
  #pause: Promise<unknown> = Promise.resolve();

  constructor(settings: EndpointSettings, surroundings: EndpointSurroundings, backoffMs: number) {
    this.#settings = settings;
    this.#surroundings = surroundings;
    this.#backoffMs = backoffMs;
    this.#key = new Key(settings, surroundings.environment);
    const address = `${settings.address.replace(/\/+$/, '')}/chat/completions`;
    this.#place = { address, keyVariable: this.#key.variable };
  }

  async ask(request: string): Promise<EndpointAnswer> {
    const { signal, onRetry } = this.#surroundings;
    const counts = { busy: 0, lost: 0 };
    for (;;) {
      await this.#pause;
      signal.throwIfAborted();
      const outcome = await this.#attempt(request);
      if ('text' in outcome) return outcome;
      const { kind, error } = outcome;
      if (kind === 'final' || ++counts[kind] === attemptCountMax[kind]) throw error;
      const waitMs =
        outcome.retryAfterMs ?? Math.min(backoffMsMax, this.#backoffMs * 2 ** (counts.busy + counts.lost - 1));
      onRetry?.(error, waitMs);
      const pause = sleep(waitMs, undefined, { signal }).catch(() => undefined);
      // Another request may have been told to wait longer.
      this.#pause = Promise.all([this.#pause, pause]);
    }
  }

  async #attempt(request: string): Promise<EndpointAnswer | Failure> {
    const { timeoutMs } = this.#settings;
    try {
      const response = await fetchFor(this.#place.address)(this.#place.address, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...this.#key.headers },
        body: request,
        // Rows and the key are sent only to the address in the recipe.
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
      const body = await textOf(response, bodyByteLengthMax);
      if (!response.ok) return this.#rejection(response, body ?? '');
      const answer = body === undefined ? `a body of more than ${String(bodyByteLengthMax)} bytes` : answerIn(body);
      if (typeof answer === 'string') return lost(this.#place, this.#key.redacted(answer));
      return { ...answer, text: this.#key.redacted(answer.text) };
    } catch (error) {
      if (error instanceof MtrlError) throw error;
      const found = reasonOf(error, timeoutMs);
      return unsent.test(systemCodeOf(error) ?? '') ? unreachable(this.#place, found) : lost(this.#place, found);
    }
  }

  #rejection(response: Response, body: string): EndpointAnswer | Failure {
    const { code, message } = errorIn(body);
    // One line, without characters that move a terminal's cursor.
    const said = {
      code,
      message: this.#key
        .redacted(message)
        .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
        .trim(),
    };
    const refusal = refusalOf(response.status, said);
    if (refusal !== undefined) return { text: '', finishReason: 'stop', refusal };
    return failureOf(
      this.#place,
      { status: response.status, retryAfterMs: this.#surroundings.retryAfterMsOf(response) },
      said,
    );
  }
}
