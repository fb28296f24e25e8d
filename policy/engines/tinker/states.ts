/**
 * States of tinker engines: a save on the server, and what says which. An artifact of such a state holds the files of
 * the base model's checkpoint that are not weights, and the address of the save: the weights stay on the server.
 */
import { z } from 'zod';
import type { ArtifactRef } from '../../../artifacts/ref.ts';
import type { ArtifactStore } from '../../../artifacts/store/artifact-store.ts';
import { type FolderManifest, readFolderManifest } from '../../../artifacts/store/files.ts';
import { MtrlError } from '../../../core/errors.ts';
import { checkFields } from '../../checkpoint-file.ts';
import type { StateHandle } from '../../engine.ts';
import { readArchitecture } from '../../models/architecture.ts';
import type { StateTransfer, StoredState } from '../engine-service.ts';
import type { TinkerClient } from './client.ts';

/** File of a state's artifacts. */
const descriptorFile = 'tinker.json';

const loraSchema = z.object({
  rank: z.int().min(1),
  seed: z.int(),
  train_attn: z.boolean(),
  train_mlp: z.boolean(),
  train_unembed: z.boolean(),
});
const descriptorSchema = z.object({
  schema: z.literal(1),
  baseModel: z.string(),
  path: z.string().startsWith('tinker://'),
  lora: loraSchema,
  updateCount: z.int().min(0),
  digest: z.string(),
});

/** A save on the server. */
export type Descriptor = z.infer<typeof descriptorSchema>;

/** What a checkpoint's config.json says of the base model. */
export interface BaseFacts {
  readonly vocabularySize: number;
  readonly parameterCount: number;
  readonly positionCountMax: number;
}

export interface TinkerState extends StateHandle {
  readonly base: BaseFacts;
  /** undefined: the base model, without adapters. */
  readonly save: Descriptor | undefined;
  readonly withOptimizer: boolean;
}

interface Held {
  readonly state: TinkerState;
  /** An artifact names its save: discarding the state keeps it. */
  isStored: boolean;
}

export class TinkerStates implements StateTransfer {
  readonly #store: ArtifactStore;
  readonly #client: TinkerClient;
  readonly #states = new Map<StateHandle, Held>();

  constructor(store: ArtifactStore, client: TinkerClient) {
    this.#store = store;
    this.#client = client;
  }

  /** Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED, RECIPE_INVALID for the save of another base model. */
  async fetch({ checkpoint, optimizer }: StoredState): Promise<TinkerState> {
    const { files } = await readFolderManifest(this.#store, checkpoint);
    const where = `${checkpoint.uri}/config.json`;
    const config = await this.#json(files, 'config.json', checkpoint);
    if (config === undefined) {
      const hint = 'policy.checkpoint is a folder with config.json, tokenizer and templates of the base model';
      throw new MtrlError('CHECKPOINT_INVALID', 'config.json is missing', { where, hint });
    }
    const named = optimizer === null ? files : (await readFolderManifest(this.#store, optimizer)).files;
    const value = await this.#json(named, descriptorFile, optimizer ?? checkpoint);
    const at = `${(optimizer ?? checkpoint).uri}/${descriptorFile}`;
    const save = value === undefined ? undefined : checkFields(descriptorSchema, value, at);
    this.#requireOurs(save, at);
    return this.hold(baseFacts(config, where), save, { withOptimizer: optimizer !== null, isStored: true });
  }

  /** A state that an engine saved. */
  hold(
    base: BaseFacts,
    save: Descriptor | undefined,
    { withOptimizer = true, isStored = false }: { readonly withOptimizer?: boolean; readonly isStored?: boolean } = {},
  ): TinkerState {
    const byteLength = Buffer.byteLength(JSON.stringify(save ?? base));
    const state: TinkerState = { kind: 'tinker', byteLength, base, save, withOptimizer };
    this.#states.set(state, { state, isStored });
    return state;
  }

  /** Throws NOT_FOUND for a state that was discarded or is of another engine service. */
  at(handle: StateHandle): TinkerState {
    return this.#heldAt(handle).state;
  }

  async putCheckpoint(handle: StateHandle, small: FolderManifest['files']): Promise<ArtifactRef> {
    const { [descriptorFile]: _before, ...others } = small;
    return this.#put(handle, others);
  }

  async putOptimizer(handle: StateHandle): Promise<ArtifactRef> {
    return this.#put(handle, {});
  }

  async discard(handle: StateHandle): Promise<void> {
    const held = this.#states.get(handle);
    this.#states.delete(handle);
    if (held?.state.save !== undefined && !held.isStored) await this.#client.deleteSave(held.state.save.path);
  }

  async #put(handle: StateHandle, files: FolderManifest['files']): Promise<ArtifactRef> {
    const held = this.#heldAt(handle);
    const { save } = held.state;
    held.isStored = true;
    const descriptor = save && (await this.#store.putJson(save));
    const named = descriptor && { [descriptorFile]: { sha256: descriptor.sha256, byteLength: descriptor.byteLength } };
    const manifest: FolderManifest = { schema: 1, files: { ...files, ...named } };
    return this.#store.putJson(manifest);
  }

  #heldAt(handle: StateHandle): Held {
    const held = this.#states.get(handle);
    if (held !== undefined) return held;
    throw new MtrlError('NOT_FOUND', 'the state is not one of this worker', {
      where: this.#client.settings.url,
      found: `a state of ${handle.kind} that was discarded or is kept elsewhere`,
      hint: 'it is fetched again from the store, or replayed',
    });
  }

  async #json(files: FolderManifest['files'], name: string, of: ArtifactRef): Promise<unknown> {
    const content = files[name];
    if (content === undefined) return undefined;
    const text = new TextDecoder().decode(await this.#store.getBytes(this.#store.refOf(content)));
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw new MtrlError('CHECKPOINT_INVALID', `${name} is not JSON`, { where: `${of.uri}/${name}`, cause });
    }
  }

  #requireOurs(save: Descriptor | undefined, where: string): void {
    const { baseModel } = this.#client.settings;
    if (save === undefined || save.baseModel === baseModel) return;
    throw new MtrlError('RECIPE_INVALID', 'the policy has adapters for another base model', {
      ...{ where, found: save.baseModel },
      hint: `this worker has ${baseModel} (MTRL_TINKER_BASE_MODEL)`,
    });
  }
}

function baseFacts(config: unknown, where: string): BaseFacts {
  const { text, parameterSpecs } = readArchitecture(config, where);
  const parameterCount = parameterSpecs.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  return { vocabularySize: text.vocabularySize, parameterCount, positionCountMax: text.positionCountMax };
}
