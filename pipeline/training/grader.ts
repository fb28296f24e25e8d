/**
 * Client of an external grader over HTTP. A missing or malformed response is GRADER_FAILED and retried, never a score.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pMap from 'p-map';
import { MtrlError } from '../../core/errors.ts';
import { fetchFor } from '../../core/guarded-fetch.ts';
import { reasonOf, textOf } from '../../core/http-response.ts';
import { retryAfterMsOf } from '../retry-after.ts';
import type { GraderSpec } from '../../recipes/fields/reward-fields.ts';

/** One judgment as sent to the grader. */
export interface GraderItem {
  readonly exampleId: string;
  readonly task: string;
  /** The example's fields, as the prompt shows them. */
  readonly fields: Readonly<Record<string, string>>;
  readonly label: string;
  readonly verdict: string;
  readonly rationale: string;
}

export interface GraderCalls {
  /** Aborts requests in flight; whatever awaits them rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** The scores of these items from an earlier attempt, else the result of `ask`. */
  readonly kept: (items: readonly GraderItem[], ask: () => Promise<number[]>) => Promise<readonly number[]>;
}

const itemCountPerRequest = 64;
/** Far more than 64 scores take. */
const answerByteLengthMax = 1 << 20;
const retryAfterMsMax = 600_000;
/** Per request, within one attempt of the activity. */
const retryAfterCountMax = 20;

/**
 * A score in [0, 1] for each item, in order; requests of at most 64 items, at most `requestCountMax` at a time. After a
 * failure no further request is sent; those in flight end within their timeout, and their scores are kept. After a 429
 * or 503 with Retry-After no request is sent for that long, at most 10 minutes. Throws GRADER_FAILED,
 * ADDRESS_REFUSED, or the signal's reason.
 */
export async function graderScores(
  items: readonly GraderItem[],
  spec: GraderSpec,
  { signal, kept }: GraderCalls,
): Promise<number[]> {
  const batches = Array.from({ length: Math.ceil(items.length / itemCountPerRequest) }, (_, i) =>
    items.slice(i * itemCountPerRequest, (i + 1) * itemCountPerRequest),
  );
  const requests = new GraderRequests(spec, signal);
  const failures: unknown[] = [];
  const scores = await pMap(
    batches,
    async (batch) => {
      if (failures.length > 0) return [];
      // The next attempt starts when this one throws: wait for the requests in flight.
      return kept(batch, () => requests.scoresOf(batch)).catch((error: unknown) => {
        failures.push(error);
        return [];
      });
    },
    { concurrency: spec.requestCountMax },
  );
  if (failures.length > 0) throw failures[0];
  return scores.flat();
}

class GraderRequests {
  readonly #spec: GraderSpec;
  readonly #signal: AbortSignal;
  /** Resolves when the grader may be asked again. */
  #pause: Promise<unknown> = Promise.resolve();

  constructor(spec: GraderSpec, signal: AbortSignal) {
    this.#spec = spec;
    this.#signal = signal;
  }

  async scoresOf(items: readonly GraderItem[]): Promise<number[]> {
    for (let pauseCount = 0; ; pauseCount++) {
      await this.#pause;
      this.#signal.throwIfAborted();
      const answer = await this.#post(items);
      if (typeof answer === 'string') return this.#scoresIn(answer, items.length);
      if (pauseCount === retryAfterCountMax) throw this.#failed(`Retry-After ${String(retryAfterCountMax)} times`);
      const pause = sleep(answer.retryAfterMs, undefined, { signal: this.#signal }).catch(() => undefined);
      // Another request may have been told to wait longer.
      this.#pause = Promise.all([this.#pause, pause]);
    }
  }

  /** The body of the response, or how long the grader asks to wait. */
  async #post(items: readonly GraderItem[]): Promise<string | { readonly retryAfterMs: number }> {
    const { url, timeoutMs } = this.#spec;
    try {
      const response = await fetchFor(url)(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ judgments: items }),
        // Rows may be sent only to the address in the recipe.
        redirect: 'manual',
        signal: AbortSignal.any([this.#signal, AbortSignal.timeout(timeoutMs)]),
      });
      if (response.ok) return await this.#textOf(response);
      await response.body?.cancel();
      const retryAfterMs = retryAfterMsOf(response);
      if (retryAfterMs !== undefined) return { retryAfterMs: Math.min(retryAfterMs, retryAfterMsMax) };
      const isRedirect = response.status >= 300 && response.status < 400;
      throw this.#failed(`status ${String(response.status)}${isRedirect ? ', a redirect, which is not followed' : ''}`);
    } catch (error) {
      this.#signal.throwIfAborted();
      throw error instanceof MtrlError ? error : this.#failed(reasonOf(error, timeoutMs));
    }
  }

  async #textOf(response: Response): Promise<string> {
    const text = await textOf(response, answerByteLengthMax);
    if (text === undefined) throw this.#failed(`a response of more than ${String(answerByteLengthMax)} bytes`);
    return text;
  }

  #scoresIn(text: string, count: number): number[] {
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      // The parser's own message would quote the text.
      throw this.#failed(`${String(Buffer.byteLength(text))} bytes that are not JSON`);
    }
    const scores = typeof answer === 'object' && answer !== null && 'scores' in answer ? answer.scores : undefined;
    if (!Array.isArray(scores)) throw this.#failed('JSON without an array `scores`');
    if (scores.length !== count) throw this.#failed(`${String(scores.length)} scores for ${String(count)} judgments`);
    return scores.map((score: unknown, i) => {
      if (typeof score === 'number' && score >= 0 && score <= 1) return score;
      throw this.#failed(`scores[${String(i)}]: ${kindOf(score)}`);
    });
  }

  /** Describes what was wrong without quoting the response: it may contain secrets or row text. */
  #failed(found: string): MtrlError {
    const { origin, pathname } = new URL(this.#spec.url);
    return new MtrlError('GRADER_FAILED', 'the external grader returned no valid scores', {
      where: `${origin}${pathname}`,
      found,
      hint: 'requests are retried; the response must be {"scores": [...]}, a number from 0 to 1 for each judgment',
    });
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'number' ? 'a number outside 0 to 1' : `of type ${typeof value}`;
}
