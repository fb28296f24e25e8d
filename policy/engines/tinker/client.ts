/** A session at a server of the Tinker API, with its heartbeats; models and samplers belong to it. */
import { z } from 'zod';
import { MtrlError } from '../../../core/errors.ts';
import { LostOnServer } from './failures.ts';
import { TinkerHttp } from './http.ts';
import { Results } from './results.ts';
import type { TinkerSettings } from './settings.ts';
import { capabilitiesOfServer, clientFlags, created, type LoraConfig, type SamplingParams } from './wire.ts';
import { type ModelInput, sampled, type SampledSequences, samplingSession, session } from './wire.ts';

/** Sent as the version of the SDK, which this client is not. */
const clientVersion = 'mt-rl-judge';

export class TinkerClient {
  readonly settings: TinkerSettings;
  readonly http: TinkerHttp;
  readonly results: Results;
  #session: Promise<string> | undefined;
  #heartbeats: NodeJS.Timeout | undefined;
  #modelCount = 0;
  #samplerCount = 0;
  #sampleCount = 0;

  constructor(settings: TinkerSettings) {
    this.settings = settings;
    this.http = new TinkerHttp(settings);
    this.results = new Results(this.http, settings);
  }

  /** Longest context that the server states for the base model, in tokens. Throws PROVIDER_UNAVAILABLE. */
  async contextLength(signal?: AbortSignal): Promise<number | undefined> {
    const { baseModel } = this.settings;
    const { supported_models: models } = await this.http.send(
      'get_server_capabilities',
      capabilitiesOfServer,
      undefined,
      { signal },
    );
    const model = models.find(({ model_name: name }) => name === baseModel);
    if (model !== undefined) return model.max_context_length ?? undefined;
    throw new MtrlError('PROVIDER_UNAVAILABLE', 'the engine server does not have the base model', {
      where: 'MTRL_TINKER_BASE_MODEL',
      found: baseModel,
      hint: `the server has ${models.map(({ model_name: name }) => name).join(', ')}`,
    });
  }

  /** A model of the server: new adapters on the base model. */
  async createModel(lora: LoraConfig, signal?: AbortSignal): Promise<string> {
    const body = {
      type: 'create_model',
      session_id: await this.#opened(signal),
      model_seq_id: this.#modelCount++,
      base_model: this.settings.baseModel,
      lora_config: lora,
    };
    return (await this.results.of('create_model', created, body, signal)).model_id;
  }

  /** A sampler of the base model, without adapters. */
  async baseSampler(signal?: AbortSignal): Promise<string> {
    const body = {
      type: 'create_sampling_session',
      session_id: await this.#opened(signal),
      sampling_session_seq_id: this.nextSampler(),
      base_model: this.settings.baseModel,
    };
    return (await this.http.send('create_sampling_session', samplingSession, body, { signal })).sampling_session_id;
  }

  /** Number of a new sampler within the session. */
  nextSampler(): number {
    return this.#samplerCount++;
  }

  sample(
    sampler: string,
    request: { readonly prompt: ModelInput; readonly num_samples: number; readonly sampling_params: SamplingParams },
    signal?: AbortSignal,
  ): Promise<SampledSequences> {
    const body = { type: 'sample', sampling_session_id: sampler, seq_id: this.#sampleCount++, ...request };
    return this.results.of('asample', sampled, body, signal);
  }

  /** Deletes a save (`tinker://model/weights/name`), if the server does. */
  async deleteSave(path: string): Promise<void> {
    const [, model = '', name = ''] = /^tinker:\/\/([^/]+)\/(.+)$/.exec(path) ?? [];
    const verb = `training_runs/${encodeURIComponent(model)}/checkpoints/${name}`;
    const options = { method: 'DELETE', retryMs: 5_000 } as const;
    // What is not deleted costs the server's disk alone.
    await this.http.send(verb, z.unknown(), undefined, options).catch(() => undefined);
  }

  /** Forgets a session that the server has lost; the next request opens another. */
  forget(): void {
    clearInterval(this.#heartbeats);
    this.#session = undefined;
  }

  #opened(signal?: AbortSignal): Promise<string> {
    this.#session ??= this.#open(signal).catch((error: unknown) => {
      this.#session = undefined;
      throw error;
    });
    return this.#session;
  }

  async #open(signal?: AbortSignal): Promise<string> {
    this.http.compressesPasses = await this.#asksForCompression(signal);
    const body = { type: 'create_session', tags: [], user_metadata: null, sdk_version: clientVersion };
    const { session_id: id } = await this.http.send('create_session', session, body, { signal });
    let isBeating = false;
    const beat = async (): Promise<void> => {
      if (isBeating) return;
      isBeating = true;
      const request = { type: 'session_heartbeat', session_id: id };
      // A lost session is noticed by the requests that name it.
      await this.http
        .send('session_heartbeat', z.unknown(), request, { timeoutMs: 10_000, retryMs: 0 })
        .catch(() => undefined);
      isBeating = false;
    };
    this.#heartbeats = setInterval(() => void beat(), this.settings.heartbeatMs).unref();
    return id;
  }

  /** Whether the server wants passes compressed. */
  async #asksForCompression(signal?: AbortSignal): Promise<boolean> {
    try {
      const flags = await this.http.send('client/config', clientFlags, { sdk_version: clientVersion }, { signal });
      return flags.proto_compress_fwdbwd;
    } catch (error) {
      // Servers of before `client/config` answer 404.
      if (error instanceof LostOnServer) return false;
      throw error;
    }
  }
}
