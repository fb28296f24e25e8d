/**
 * Asks engines for many requests at once. Requests that wait while an engine computes and that could be one engine
 * request are asked together in its next call: rows join and leave between calls. A request gets the bits that it would
 * get alone: neither samples nor probabilities of labels depend on the rows of other requests (docs/engine.md).
 */
import { required } from '../../core/assert.ts';
import { canonicalJson } from '../../core/json.ts';
import { asJson } from '../../artifacts/codecs/json-value.ts';
import { MtrlError } from '../../core/errors.ts';
import type { PolicyState } from '../../contract/activities.ts';
import type { Answering } from '../../pipeline/asking/kept-answers.ts';
import type { LabelLogProbsRequest, PolicyVerbs, SampleRequest } from '../../policy/engine.ts';

export interface JoinedCallsOptions {
  /** Runs `work` with an engine that holds the policy. */
  readonly withEngine: <T>(policy: PolicyState, work: (engine: Answering) => Promise<T>) => Promise<T>;
  /** Calls at a time: the number of engines. */
  readonly callCountMax: number;
  /** Rows of one joined call; a single request may have more. */
  readonly rowCountMax?: number;
  /** Told of each call when it has ended. */
  readonly onCall?: (call: { readonly requestCount: number; readonly ms: number }) => void;
}

/** A request to an engine, of either verb. */
type Asked =
  | { readonly verb: 'sample'; readonly request: SampleRequest }
  | { readonly verb: 'labelLogProbs'; readonly request: LabelLogProbsRequest };

/** One request to an engine that waits or is being computed. */
interface Waiting {
  readonly policy: PolicyState;
  readonly asked: Asked;
  /** Requests with equal keys can be asked in one call. */
  readonly key: string;
  readonly rowCount: number;
  readonly signal: AbortSignal;
  /** With an answer to each prompt, in order. */
  readonly settle: (answers: readonly unknown[]) => void;
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
      sample: async (request) => {
        const rowCount = request.prompts.length * request.groupSize;
        const groups = await this.#ask(policy, signal, { verb: 'sample', request }, rowCount);
        return { groups: groups as Awaited<ReturnType<PolicyVerbs['sample']>>['groups'] };
      },
      labelLogProbs: async (request) => {
        const answers = await this.#ask(policy, signal, { verb: 'labelLogProbs', request }, request.prompts.length);
        return answers as Awaited<ReturnType<PolicyVerbs['labelLogProbs']>>;
      },
    };
  }

  #ask(policy: PolicyState, signal: AbortSignal, asked: Asked, rowCount: number): Promise<readonly unknown[]> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const leave = (): void => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting);
        reject(reasonOf(signal));
      };
      const waiting: Waiting = {
        ...{ policy, asked, key: keyOf(policy, asked), rowCount, signal, attemptCount: 0 },
        settle: (answers) => {
          signal.removeEventListener('abort', leave);
          resolve(answers);
        },
        fail: (error) => {
          signal.removeEventListener('abort', leave);
          reject(error instanceof Error ? error : new Error(String(error)));
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
    for (const other of first.attemptCount === 0 ? others : []) {
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
      await this.#options.withEngine(items[0].policy, (engine) => askTogether(engine, items));
    } catch (error) {
      this.#repeatOrFail(items, error);
    } finally {
      this.#callCount--;
      this.#options.onCall?.({ requestCount: items.length, ms: performance.now() - startedAtMs });
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

async function askTogether(engine: Answering, items: readonly Waiting[]): Promise<void> {
  const answers = await answersTo(
    engine,
    items.map(({ asked }) => asked),
  );
  let from = 0;
  for (const { asked, settle } of items) {
    const to = from + asked.request.prompts.length;
    settle(answers.slice(from, to));
    from = to;
  }
}

/** An answer to each prompt of all requests, in order. A single request is asked as it is. */
async function answersTo(engine: Answering, asked: readonly Asked[]): Promise<readonly unknown[]> {
  const samples = asked.flatMap((one) => (one.verb === 'sample' ? [one.request] : []));
  const [sample] = samples;
  if (sample !== undefined) return (await engine.sample(samples.length === 1 ? sample : joinedSamples(samples))).groups;
  const labels = asked.flatMap((one) => (one.verb === 'labelLogProbs' ? [one.request] : []));
  const label = required(labels[0], 'a request');
  return engine.labelLogProbs(labels.length === 1 ? label : joinedLabels(labels));
}

function joinedSamples(requests: readonly SampleRequest[]): SampleRequest {
  const first = required(requests[0], 'a request');
  const draws = requests.flatMap(({ prompts, seed, promptOffset }) =>
    prompts.map((_, i) => ({ seed, prompt: promptOffset + i })),
  );
  const prompts = requests.flatMap((request) => request.prompts);
  return { ...first, prompts, ...(!first.sampling.greedy && { draws }) };
}

function joinedLabels(requests: readonly LabelLogProbsRequest[]): LabelLogProbsRequest {
  const promptCounts = requests.map(({ prompts }) => prompts.length);
  return { ...required(requests[0], 'a request'), prompts: requests.flatMap(({ prompts }) => prompts), promptCounts };
}

/** What requests must share to be asked in one call. Samples are drawn by each request's own seed and indices. */
function keyOf(policy: PolicyState, { verb, request }: Asked): string {
  const { prompts: _, ...common } = request;
  const withImages = verb === 'sample' && request.prompts.some(({ images }) => images.length > 0);
  return canonicalJson(asJson({ ...common, seed: null, promptOffset: null, verb, withImages, policy }));
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new Error('the request was given up');
}
