/**
 * A model of the server: adapters that learn. Its requests are numbered; a request that is sent again with its number
 * applies once. Saves are named, and found again by their name.
 */
import { z } from 'zod';
import type { TinkerClient } from './client.ts';
import { LostOnServer, Refused } from './failures.ts';
import { passRequest } from './protobuf.ts';
import { type AdamParams, type LoraConfig, passed, saved, savedForSampler, stepped } from './wire.ts';

/** Log-probs of the target tokens of each sequence; null where they are not finite. */
export type PassedLogProbs = readonly (readonly (number | null)[])[];

/** Tries of a load whose answer was lost: a server loads into a new model only. */
const loadCountMax = 3;

export class ServerModel {
  readonly #client: TinkerClient;
  readonly #id: string;
  #requestCount = 0;
  #saveCount = 0;

  private constructor(client: TinkerClient, id: string) {
    this.#client = client;
    this.#id = id;
  }

  /** @param save what it loads; undefined for new adapters. Throws LostOnServer if the save is gone */
  static async open(
    client: TinkerClient,
    lora: LoraConfig,
    save: { readonly path: string; readonly withOptimizer: boolean } | undefined,
    signal?: AbortSignal,
  ): Promise<ServerModel> {
    for (let attempt = 1; ; attempt++) {
      const model = new ServerModel(client, await client.createModel(lora, signal));
      if (save === undefined) return model;
      try {
        const body = { type: 'load_weights', path: save.path, optimizer: save.withOptimizer };
        await model.#send('load_weights', z.unknown(), body, signal);
        return model;
      } catch (error) {
        await model.unload();
        // The first answer was lost: a second load into the same model is refused.
        const isLoaded =
          error instanceof Refused && error.status === 400 && /not permitted/i.test(`${error.details.found}`);
        if (!isLoaded || attempt === loadCountMax) throw error;
      }
    }
  }

  /** @param input of `encodeInput` */
  forward(input: Uint8Array, signal?: AbortSignal): Promise<PassedLogProbs> {
    return this.#pass(input, true, signal);
  }

  /** @param input of `encodeInput` */
  forwardBackward(input: Uint8Array, signal?: AbortSignal): Promise<PassedLogProbs> {
    return this.#pass(input, false, signal);
  }

  async #pass(input: Uint8Array, isForwardOnly: boolean, signal?: AbortSignal): Promise<PassedLogProbs> {
    const body = passRequest({ modelId: this.#id, seqId: ++this.#requestCount, isForwardOnly }, input);
    const { loss_fn_outputs: outputs } = await this.#client.results.of('forward_backward', passed, body, signal);
    return outputs.map(({ logprobs }) => logprobs.data);
  }

  /** Metrics by the server's names. */
  async optimStep(params: AdamParams, signal?: AbortSignal): Promise<Readonly<Record<string, number>>> {
    const body = { type: 'optim_step', adam_params: params };
    return (await this.#send('optim_step', stepped, body, signal)).metrics ?? {};
  }

  /** Saves adapters and optimizer state; returns the save's path. */
  async save(signal?: AbortSignal): Promise<string> {
    const name = `save-${String(this.#saveCount++)}`;
    try {
      return (await this.#send('save_weights', saved, { type: 'save_weights', path: name }, signal)).path;
    } catch (error) {
      if (!(error instanceof Refused && error.status === 409)) throw error;
      // The first answer was lost: the save has this name.
      const path = `tinker://${this.#id}/weights/${name}`;
      await this.#client.http.send('weights_info', z.unknown(), { tinker_path: path }, { signal });
      return path;
    }
  }

  /** A sampler of the current weights. */
  async sampler(signal?: AbortSignal): Promise<string> {
    for (;;) {
      const body = { type: 'save_weights_for_sampler', sampling_session_seq_id: this.#client.nextSampler() };
      try {
        return (await this.#send('save_weights_for_sampler', savedForSampler, body, signal)).sampling_session_id;
      } catch (error) {
        // The first answer was lost, and with it the sampler's id: the next number makes another sampler.
        if (!(error instanceof Refused && error.status === 409)) throw error;
      }
    }
  }

  /** Frees the server's memory, if the server still has the model. */
  async unload(): Promise<void> {
    const body = { type: 'unload_model', model_id: this.#id };
    await this.#client.http
      .send('unload_model', z.unknown(), body, { timeoutMs: 5_000, retryMs: 5_000 })
      .catch((error: unknown) => {
        if (!(error instanceof LostOnServer)) throw error;
      });
  }

  #send<T>(verb: string, schema: z.ZodType<T>, body: object, signal?: AbortSignal): Promise<T> {
    const numbered = { ...body, model_id: this.#id, seq_id: ++this.#requestCount };
    return this.#client.results.of(verb, schema, numbered, signal);
  }
}
