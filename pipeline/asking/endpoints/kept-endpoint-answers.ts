/** Stores each answer of an endpoint as soon as it arrives: whatever crashes afterwards, it is not paid for again. */
import type { ArtifactRef } from '../../../artifacts/ref.ts';
import { sha256 } from '../../../core/json.ts';
import type { Endpoint, EndpointAnswer } from '../../../policy/engines/endpoint.ts';
import type { ControlDeps } from '../../deps.ts';
import { durable, findDurable, type Key } from '../../durable.ts';

interface Kept {
  readonly answer: EndpointAnswer;
}

export interface KeptAnswer extends Kept {
  /** The manifest that holds the answer; undefined for a question that was rejected at no cost, which is not stored. */
  readonly ref?: ArtifactRef;
}

export class KeptEndpointAnswers {
  readonly #deps: ControlDeps;
  readonly #address: string;
  readonly #endpoint: Pick<Endpoint, 'ask'>;
  /** Equal questions at the same time are asked once. */
  readonly #asking = new Map<string, Promise<KeptAnswer>>();

  constructor(deps: ControlDeps, address: string, endpoint: Pick<Endpoint, 'ask'>) {
    this.#deps = deps;
    this.#address = address;
    this.#endpoint = endpoint;
  }

  /**
   * The stored answer, else that of the endpoint. `mayAsk` throws if no further request may be sent. Throws like
   * Endpoint.ask.
   * @param sample which of several answers to the same question
   */
  async to(request: string, sample: number, mayAsk: () => void): Promise<KeptAnswer> {
    const digest = `${sha256(request)} ${String(sample)}`;
    const known = this.#asking.get(digest);
    if (known !== undefined) return known;
    const asked = this.#ask(request, sample, mayAsk);
    this.#asking.set(digest, asked);
    try {
      return await asked;
    } finally {
      this.#asking.delete(digest);
    }
  }

  async #ask(request: string, sample: number, mayAsk: () => void): Promise<KeptAnswer> {
    const key: Key = { inputs: {}, config: { address: this.#address, request: sha256(request), sample } };
    const found = await findDurable<Kept>(this.#deps, 'endpointAnswers', key);
    if (found !== undefined) return { answer: found.manifest.summary.answer, ref: found.ref };
    mayAsk();
    const answer = await this.#endpoint.ask(request);
    if (answer.refusal !== undefined && answer.usage === undefined) return { answer };
    const made = await durable<never, Kept>(this.#deps, 'endpointAnswers', key, () =>
      Promise.resolve({ outputs: {}, summary: { answer } }),
    );
    return { answer: made.summary.answer, ref: made.manifest };
  }
}
