/**
 * The policy that an engine holds on a server: the base model, or adapters that learn. What the server loses is made
 * again: a new session and model, the last save, and the logged requests since. A lost answer needs none of it
 * (model.ts).
 */
import { digestOf, type Json, sha256 } from '../../../core/json.ts';
import { MtrlError } from '../../../core/errors.ts';
import type { TinkerClient } from './client.ts';
import { LostOnServer } from './failures.ts';
import { Journal } from './journal.ts';
import { type PassedLogProbs, ServerModel } from './model.ts';
import { encodeInput } from './protobuf.ts';
import type { BaseFacts, Descriptor, TinkerState } from './states.ts';
import type { AdamParams, Datum, LoraConfig, LossInput } from './wire.ts';

/** Times that a policy is made again for one request. */
const restoreCountMax = 3;
/** Sequences of one request, and about the bytes of its body: limits of the SDK. */
const sequenceCountMax = 1024;
const requestByteLengthMax = 5_000_000;

/** Adapters that change nothing, for log-probs of the base model: only a model of the server computes them. */
const idle: LoraConfig = { rank: 1, seed: 0, train_attn: true, train_mlp: true, train_unembed: false };

export class ServerPolicy {
  readonly base: BaseFacts;
  readonly #client: TinkerClient;
  readonly #journal = new Journal();
  #lora: LoraConfig | undefined;
  #save: { readonly path: string; readonly withOptimizer: boolean } | undefined;
  /** A save that only this policy knows. */
  #ownSave: string | undefined;
  #digest: string;
  #updateCount: number;
  #model: ServerModel | undefined;
  #sampler: string | undefined;

  constructor(client: TinkerClient, { base, save, withOptimizer }: TinkerState) {
    this.#client = client;
    this.base = base;
    this.#lora = save?.lora;
    this.#save = save && { path: save.path, withOptimizer };
    this.#digest = save?.digest ?? digestOf({ baseModel: client.settings.baseModel });
    this.#updateCount = withOptimizer ? (save?.updateCount ?? 0) : 0;
  }

  /** Identifies how the policy was made; two servers make it with other bits. */
  get digest(): string {
    return this.#digest;
  }

  get updateCount(): number {
    return this.#updateCount;
  }

  /** Loads the save, so that one that is gone is noticed now. Throws NOT_FOUND. */
  async load(signal?: AbortSignal): Promise<void> {
    if (this.#save === undefined) return;
    try {
      await this.#opened(signal);
    } catch (error) {
      if (!(error instanceof LostOnServer)) throw error;
      // The session may be of a server that has restarted since.
      this.#client.forget();
      await this.#opened(signal).catch(this.#asNotFound);
    }
  }

  /** New adapters, unless these learn already. Throws RECIPE_INVALID. */
  async adapt(lora: LoraConfig): Promise<void> {
    const { seed: _seed, ...shape } = lora;
    const current = this.#lora && { ...shapeOf(this.#lora) };
    if (current !== undefined && digestOf(current) === digestOf(shape)) return;
    if (this.#save !== undefined || this.#updateCount > 0) {
      throw new MtrlError(
        'RECIPE_INVALID',
        'adapters that have learned cannot change their form on the tinker engine',
        {
          where: 'lora',
          found: JSON.stringify(shape),
          hint: `keep ${JSON.stringify(current)}`,
        },
      );
    }
    this.#lora = lora;
    this.#digest = digestOf({ before: this.#digest, lora: lora as unknown as Json });
    const before = this.#model;
    this.#model = undefined;
    await before?.unload();
  }

  /** Log-probs of the target tokens. */
  forward(data: readonly Datum[], signal?: AbortSignal): Promise<PassedLogProbs> {
    return this.#kept(signal, async (model) => {
      const parts = [];
      for (const part of partsOf(data)) {
        parts.push(await model.forward(encodeInput({ data: part, loss_fn: 'cross_entropy' }), signal));
      }
      return parts.flat();
    });
  }

  /** Adds to the gradient. Throws RECIPE_INVALID without adapters. */
  async forwardBackward(input: LossInput, signal?: AbortSignal): Promise<PassedLogProbs> {
    this.#requireAdapters();
    const inputs = partsOf(input.data).map((data) => ({ ...input, data }));
    const passes = await this.#kept(signal, async (model) => {
      const parts = [];
      for (const part of inputs) {
        const encoded = encodeInput(part);
        const outputs = await model.forwardBackward(encoded, signal);
        parts.push({ outputs, byteLength: encoded.byteLength, input: part, sha256: sha256(encoded) });
      }
      return parts;
    });
    for (const { outputs: _, ...entry } of passes) this.#journal.add({ kind: 'gradient', ...entry });
    return passes.flatMap(({ outputs }) => outputs);
  }

  /** Number of sequences whose gradients no update has used yet. */
  get openSequenceCount(): number {
    return this.#openSequenceCounts.reduce((sum, count) => sum + count, 0);
  }

  get #openSequenceCounts(): readonly number[] {
    return this.#journal.openGradients.map((entry) => (entry.kind === 'gradient' ? entry.input.data.length : 0));
  }

  /** Metrics by the server's names. */
  async optimStep(params: AdamParams, signal?: AbortSignal): Promise<Readonly<Record<string, number>>> {
    this.#requireAdapters();
    const metrics = await this.#kept(signal, (model) => model.optimStep(params, signal));
    const used = this.#journal.openGradients.flatMap((entry) => (entry.kind === 'gradient' ? entry.sha256 : []));
    this.#digest = digestOf({ before: this.#digest, used, params: params as unknown as Json });
    this.#journal.add({ kind: 'step', params });
    this.#updateCount++;
    this.#sampler = undefined;
    if (this.#journal.isFull) await this.#saveOwn(signal);
    return metrics;
  }

  /** A sampler of the current weights. */
  async sampling<T>(use: (sampler: string) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#restoring(signal, async () => {
      this.#sampler ??=
        this.#lora === undefined
          ? await this.#client.baseSampler(signal)
          : await (await this.#opened(signal)).sampler(signal);
      return use(this.#sampler);
    });
  }

  /** A save of adapters and optimizer; undefined for the base model. */
  async save(signal?: AbortSignal): Promise<Descriptor | undefined> {
    const lora = this.#lora;
    if (lora === undefined) return undefined;
    const path = await this.#saved(signal);
    const { baseModel } = this.#client.settings;
    return { schema: 1, baseModel, path, lora, updateCount: this.#updateCount, digest: this.#digest };
  }

  async unload(): Promise<void> {
    const model = this.#model;
    this.#model = undefined;
    await model?.unload();
    if (this.#ownSave !== undefined) await this.#client.deleteSave(this.#ownSave);
    this.#ownSave = undefined;
  }

  #requireAdapters(): void {
    if (this.#lora !== undefined) return;
    throw new MtrlError('RECIPE_INVALID', 'the tinker engine trains adapters only', {
      ...{ where: 'lora', found: 'nothing', hint: 'set lora in the arm' },
    });
  }

  async #saveOwn(signal?: AbortSignal): Promise<void> {
    this.#ownSave = await this.#saved(signal);
  }

  /** Everything before is then restored from this save. */
  async #saved(signal?: AbortSignal): Promise<string> {
    const path = await this.#kept(signal, (model) => model.save(signal));
    this.#save = { path, withOptimizer: true };
    this.#journal.saved();
    const before = this.#ownSave;
    this.#ownSave = undefined;
    if (before !== undefined) await this.#client.deleteSave(before);
    return path;
  }

  #kept<T>(signal: AbortSignal | undefined, request: (model: ServerModel) => Promise<T>): Promise<T> {
    return this.#restoring(signal, async () => request(await this.#opened(signal)));
  }

  async #restoring<T>(signal: AbortSignal | undefined, request: () => Promise<T>): Promise<T> {
    for (let count = 0; ; count++) {
      try {
        return await request();
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof LostOnServer)) throw error;
        if (count === restoreCountMax) throw cannotRestore(this.#client.settings.url, error);
        this.#client.forget();
        this.#model = undefined;
        this.#sampler = undefined;
      }
    }
  }

  /** The model on the server, made again if it was lost. */
  async #opened(signal?: AbortSignal): Promise<ServerModel> {
    if (this.#model !== undefined) return this.#model;
    const model = await ServerModel.open(this.#client, this.#lora ?? idle, this.#save, signal);
    for (const entry of this.#journal.entries) {
      if (entry.kind === 'gradient') await model.forwardBackward(encodeInput(entry.input), signal);
      else await model.optimStep(entry.params, signal);
    }
    this.#model = model;
    return model;
  }

  readonly #asNotFound = (error: unknown): never => {
    if (!(error instanceof LostOnServer)) throw error;
    throw new MtrlError('NOT_FOUND', 'the server does not have the save of this policy any more', {
      where: this.#save?.path ?? this.#client.settings.url,
      found: error.details.found ?? '',
      hint: 'it is made again from an earlier state, or start the experiment again',
    });
  };
}

function shapeOf({ seed: _seed, ...shape }: LoraConfig): Omit<LoraConfig, 'seed'> {
  return shape;
}

function cannotRestore(where: string, error: LostOnServer): MtrlError {
  return new MtrlError('COMPUTE_CRASHED', 'the engine server lost the policy, and it could not be made again', {
    ...{ where, found: error.details.found ?? '' },
    hint: 'the activity is retried with another engine, from the last snapshot',
  });
}

/** Of its encoded form, but for names and lengths. */
function byteLengthOf({ model_input: { chunks }, loss_fn_inputs: inputs }: Datum): number {
  const shown = chunks.map((chunk) => (chunk.type === 'image' ? chunk.data.length * 0.75 : chunk.tokens.length * 4));
  const given = Object.values(inputs).map(({ data, dtype }) => data.length * (dtype === 'int64' ? 8 : 4));
  return [...shown, ...given].reduce((sum, length) => sum + length, 0);
}

/** Consecutive parts of at most so many sequences and about so many bytes. */
function partsOf(data: readonly Datum[]): Datum[][] {
  const parts: Datum[][] = [];
  let byteLength = Infinity;
  for (const datum of data) {
    const own = byteLengthOf(datum);
    const part = parts.at(-1);
    if (part === undefined || part.length === sequenceCountMax || byteLength + own > requestByteLengthMax) {
      parts.push([datum]);
      byteLength = own;
    } else {
      part.push(datum);
      byteLength += own;
    }
  }
  return parts;
}
