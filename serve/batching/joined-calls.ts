/**
 * Asks engines for many requests at once. Requests that wait while an engine computes and that could be one engine
 * request are asked together in its next call: rows join and leave between calls. Only sampling is joined, and only
 * requests that agree in everything but their prompts, padding included; so a request gets the bits that it would get
 * alone (docs/engine.md: neighbouring rows do not change a row). Probabilities of labels are computed per request,
 * because packing them with others would change their last bits.
 */
import { canonicalJson } from '../../core/json.ts';
import { asJson } from '../../artifacts/codecs/json-value.ts';
import { MtrlError } from '../../core/errors.ts';
import type { PolicyState } from '../../contract/activities.ts';
import type { Answering } from '../../pipeline/asking/kept-answers.ts';
import type { LabelLogProbsRequest, SampleRequest, SampleResult } from '../../policy/engine.ts';

export interface JoinedCallsOptions {
  /** Runs `work` with an engine that holds the policy. */
  readonly withEngine: <T>(policy: PolicyState, work: (engine: Answering) => Promise<T>) => Promise<T>;
  /** Calls at a time: the number of engines. */
  readonly callCountMax: number;
  /** Rows of one joined call; a single request may have more. */
  readonly rowCountMax?: number;
  /** Told of each call when it has ended. */
  readonly onCall?: (call: { readonly requestCount: number; readonly rowCount: number; readonly ms: number }) => void;
}

/** One request to an engine that waits or is being computed. */
interface Waiting {
  readonly policy: PolicyState;
  /** Equal keys can be asked in one call; undefined: alone. */
  readonly key?: string;
  readonly rowCount: number;
  readonly request?: SampleRequest;
  readonly signal: AbortSignal;
  /** Asks alone, and settles. */
  readonly askAlone: (engine: Answering) => Promise<void>;
  readonly settle: (groups: SampleResult) => void;
  readonly fail: (error: unknown) => void;
  attemptCount: number;
}

/** Attempts at a request whose engine ended or stalled. */
const attemptCountMax = 3;
const rowCountMaxDefault = 64;

export class JoinedCalls {
  readonly #options: JoinedCallsOptions;
  readonly #rowCountMax: number;
  /** Oldest first. */
  #waiting: Waiting[] = [];
  #callCount = 0;
  #isScheduled = false;

  constructor(options: JoinedCallsOptions) {
    this.#options = options;
    this.#rowCountMax = options.rowCountMax ?? rowCountMaxDefault;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** The engine as one client sees it. Once `signal` aborts, its requests reject with the reason, and leave the queue. */
  of(policy: PolicyState, signal: AbortSignal): Answering {
    return {
      sample: (request) =>
        this.#ask<SampleResult>(policy, signal, (engine) => engine.sample(request), {
          request,
          ...keyOf(policy, request),
          rowCount: request.prompts.length * request.groupSize,
        }),
      labelLogProbs: (request: LabelLogProbsRequest) =>
        this.#ask(policy, signal, (engine) => engine.labelLogProbs(request), { rowCount: request.prompts.length }),
    };
  }

  #ask<T>(
    policy: PolicyState,
    signal: AbortSignal,
    ask: (engine: Answering) => Promise<T>,
    joined: Pick<Waiting, 'key' | 'rowCount' | 'request'>,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      signal.throwIfAborted();
      const leave = (): void => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting);
        reject(reasonOf(signal));
      };
      const ended = (): void => {
        signal.removeEventListener('abort', leave);
      };
      const waiting: Waiting = {
        ...{ policy, signal, ...joined, attemptCount: 0 },
        askAlone: async (engine) => {
          resolve(await ask(engine));
          ended();
        },
        settle: (result) => {
          resolve(result as T);
          ended();
        },
        fail: (error) => {
          reject(error instanceof Error ? error : new Error(String(error)));
          ended();
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(waiting);
      this.#schedule();
    });
  }

  /** Later in this turn of the event loop, so that requests that arrive together are asked together. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      while (this.#callCount < this.#options.callCountMax && this.#waiting.length > 0) void this.#call(this.#take());
    });
  }

  /** The oldest request, and those that can be asked with it. */
  #take(): readonly [Waiting, ...Waiting[]] {
    const [first, ...others] = this.#waiting as [Waiting, ...Waiting[]];
    const taken: [Waiting, ...Waiting[]] = [first];
    let { rowCount } = first;
    // A request that has failed is asked alone, so that it fails no other.
    const isJoined = first.key !== undefined && first.attemptCount === 0;
    for (const other of isJoined ? others : []) {
      if (other.key !== first.key || other.attemptCount > 0 || rowCount + other.rowCount > this.#rowCountMax) continue;
      taken.push(other);
      rowCount += other.rowCount;
    }
    this.#waiting = this.#waiting.filter((one) => !taken.includes(one));
    return taken;
  }

  async #call(items: readonly [Waiting, ...Waiting[]]): Promise<void> {
    const startedAtMs = performance.now();
    this.#callCount++;
    try {
      await this.#options.withEngine(items[0].policy, (engine) =>
        items.length === 1 ? items[0].askAlone(engine) : askTogether(engine, items),
      );
    } catch (error) {
      this.#repeatOrFail(items, error);
    } finally {
      this.#callCount--;
      const rowCount = items.reduce((sum, one) => sum + one.rowCount, 0);
      this.#options.onCall?.({ requestCount: items.length, rowCount, ms: performance.now() - startedAtMs });
      this.#schedule();
    }
  }

  /** A request that failed with others is asked again alone; a request whose engine was lost is asked again. */
  #repeatOrFail(items: readonly Waiting[], error: unknown): void {
    const isLost = error instanceof MtrlError && error.retryable;
    const again = items.filter((item) => {
      item.attemptCount++;
      const isRepeated = !item.signal.aborted && (items.length > 1 || isLost) && item.attemptCount < attemptCountMax;
      if (!isRepeated) item.fail(error);
      return isRepeated;
    });
    this.#waiting.unshift(...again);
  }
}

async function askTogether(engine: Answering, items: readonly [Waiting, ...Waiting[]]): Promise<void> {
  const requests = items.flatMap(({ request }) => request ?? []);
  const [first] = requests as [SampleRequest];
  const draws = requests.flatMap(({ prompts, seed, promptOffset }) =>
    prompts.map((_, i) => ({ seed, prompt: promptOffset + i })),
  );
  const prompts = requests.flatMap((request) => request.prompts);
  const { groups } = await engine.sample({ ...first, prompts, ...(!first.sampling.greedy && { draws }) });
  let from = 0;
  for (const [i, request] of requests.entries()) {
    const to = from + request.prompts.length;
    items[i]?.settle({ groups: groups.slice(from, to) });
    from = to;
  }
}

/** What requests must share to be asked in one call. Samples are drawn by each request's own seed and indices. */
function keyOf(policy: PolicyState, { prompts, ...request }: SampleRequest): Pick<Waiting, 'key'> {
  const { seed: _, promptOffset: __, ...common } = request;
  const withImages = prompts.some(({ images }) => images.length > 0);
  return { key: canonicalJson(asJson({ ...common, withImages, policy })) };
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new Error('the request was given up');
}
