/** States of embedded engines: folders on the local disk in Hugging Face layout, plus the optimizer's files. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '../../../artifacts/ref.ts';
import type { ArtifactStore } from '../../../artifacts/store/artifact-store.ts';
import type { FolderManifest } from '../../../artifacts/store/files.ts';
import { MtrlError } from '../../../core/errors.ts';
import type { StateHandle } from '../../engine.ts';
import type { StateTransfer, StoredState } from '../engine-service.ts';
import { fetchState, putCheckpoint, putOptimizer } from './state-files.ts';

export interface FolderState extends StateHandle {
  readonly folder: string;
  /** URI of the checkpoint that the state was fetched from; error messages name it instead of the folder. */
  readonly origin?: string;
}

export class FolderStates implements StateTransfer {
  readonly #store: ArtifactStore;
  readonly #root: string;
  readonly #states = new Map<StateHandle, FolderState>();
  #folderCount = 0;

  /** No other process uses `root`. */
  constructor(store: ArtifactStore, root: string) {
    this.#store = store;
    this.#root = root;
  }

  fetch(stored: StoredState): Promise<FolderState> {
    return this.write((folder) => fetchState(this.#store, stored, folder), stored.checkpoint.uri);
  }

  async putCheckpoint(state: StateHandle, small: FolderManifest['files']): Promise<ArtifactRef> {
    return putCheckpoint(this.#store, small, this.at(state).folder);
  }

  async putOptimizer(state: StateHandle): Promise<ArtifactRef> {
    return putOptimizer(this.#store, this.at(state).folder);
  }

  async discard(state: StateHandle): Promise<void> {
    const held = this.#states.get(state);
    this.#states.delete(state);
    if (held) await rm(held.folder, { recursive: true, force: true });
  }

  /** Creates a state: `fill` writes it to a new folder, which is removed if `fill` fails. */
  async write(fill: (folder: string) => Promise<void>, origin?: string): Promise<FolderState> {
    const folder = join(this.#root, `state-${++this.#folderCount}`);
    await mkdir(folder, { recursive: true });
    try {
      await fill(folder);
      const byteLength = await byteLengthOf(folder);
      const state: FolderState = { kind: 'embedded', folder, byteLength, ...(origin !== undefined && { origin }) };
      this.#states.set(state, state);
      return state;
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Throws NOT_FOUND for a state that was discarded, was removed from the disk, or belongs to another FolderStates. */
  at(state: StateHandle): FolderState {
    const held = this.#states.get(state);
    if (held && existsSync(held.folder)) return held;
    throw new MtrlError('NOT_FOUND', 'the state is not on this disk', {
      where: held?.folder ?? this.#root,
      found: held ? 'the folder is gone' : `a state of ${state.kind} that was discarded or is kept elsewhere`,
      hint: 'it is fetched again from the store, or replayed',
    });
  }
}

async function byteLengthOf(folder: string): Promise<number> {
  const names = await readdir(folder);
  const found = await Promise.all(names.map((name) => stat(join(folder, name))));
  return found.reduce((sum, { size }) => sum + size, 0);
}
