/** Results of requests that a server answers later: POST retrieve_future, held by the server until there is one. */
import { z } from 'zod';
import { MtrlError } from '../../../core/errors.ts';
import { LostOnServer } from './failures.ts';
import { jsonOf, pause, type TinkerHttp } from './http.ts';
import type { TinkerSettings } from './settings.ts';
import { decodeResult } from './protobuf.ts';
import { pending } from './wire.ts';

/** Servers hold a poll for up to 5 minutes; connections on the way may not. */
const pollMs = 45_000;
const verb = 'retrieve_future';

const tryAgain = z.object({ type: z.literal('try_again') });
const failed = z.object({ error: z.string(), category: z.string().optional() });

export class Results {
  readonly #http: TinkerHttp;
  readonly #settings: TinkerSettings;

  constructor(http: TinkerHttp, settings: TinkerSettings) {
    this.#http = http;
    this.#settings = settings;
  }

  /** Sends a request and waits for its result. Throws COMPUTE_STALLED, and like `send`. */
  async of<T>(request: string, schema: z.ZodType<T>, body: object, signal?: AbortSignal): Promise<T> {
    const { request_id: id } = await this.#http.send(request, pending, body, { signal });
    return this.wait(request, schema, id, signal);
  }

  async wait<T>(request: string, schema: z.ZodType<T>, id: string, signal?: AbortSignal): Promise<T> {
    const { resultTimeoutMs, backoffMs } = this.#settings;
    const startedAtMs = performance.now();
    for (;;) {
      const leftMs = startedAtMs + resultTimeoutMs - performance.now();
      if (leftMs <= 0) throw neverResolved(request, id, resultTimeoutMs);
      const timeoutMs = Math.ceil(Math.min(pollMs, leftMs));
      const answer = await this.#http.poll(verb, { request_id: id }, { signal, timeoutMs });
      const value = answer && (answer.isProtobuf ? decodeResult(request, answer.body) : jsonOf(answer.body));
      if (answer === undefined || tryAgain.safeParse(value).success) {
        await pause(backoffMs, signal);
        continue;
      }
      const failure = failed.safeParse(value);
      // A failure of the server's own: what the model holds is unknown.
      if (failure.data?.category === 'server') throw new LostOnServer(failure.data.error, request);
      const isFailure = failure.success && answer.status < 300;
      return this.#http.read(verb, schema, isFailure ? { ...answer, status: 400 } : answer, value);
    }
  }
}

function neverResolved(request: string, id: string, timeoutMs: number): MtrlError {
  return new MtrlError('COMPUTE_STALLED', 'the engine server gave no result', {
    where: `${request}, request ${id}`,
    found: `none within ${String(timeoutMs / 1000)} s`,
    hint: 'see whether the server computes; MTRL_TINKER_RESULT_TIMEOUT_SECONDS sets the limit',
  });
}
