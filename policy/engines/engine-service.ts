/** What a worker opens to have engines: it starts them, and turns their states into artifacts and back. */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import type { FolderManifest } from '../../artifacts/store/files.ts';
import type { Engine, StateHandle } from '../engine.ts';

/** What the worker gives to the engines that it opens. */
export interface EngineSurroundings {
  /** Where an engine finds its own settings. */
  readonly environment: NodeJS.ProcessEnv;
  /** Threads of one engine, where it computes on this machine. */
  readonly threadCount: number;
  readonly store: ArtifactStore;
  /** Local folder that belongs to this process alone. */
  readonly spoolFolder: string;
}

/** A policy's state as artifacts, each a folder (artifacts/store/files.ts). */
export interface StoredState {
  /** Hugging Face layout: config, weights, tokenizer, templates. */
  readonly checkpoint: ArtifactRef;
  /** Optimizer state, and adapters apart from their matrices; null for a new optimizer. */
  readonly optimizer: ArtifactRef | null;
}

/** Moves states between the artifact store and where engines of this kind load them from. */
export interface StateTransfer {
  /** Throws ARTIFACT_MISSING, ARTIFACT_CORRUPT. */
  fetch(stored: StoredState): Promise<StateHandle>;
  /**
   * The weights as a checkpoint, adapters merged.
   * @param small files of the checkpoint that the policy came from which training never changes: tokenizer, templates
   */
  putCheckpoint(state: StateHandle, small: FolderManifest['files']): Promise<ArtifactRef>;
  /** What training goes on from beside the checkpoint. */
  putOptimizer(state: StateHandle): Promise<ArtifactRef>;
  /** The handle is worth nothing afterwards: NOT_FOUND. */
  discard(state: StateHandle): Promise<void>;
}

/** What a recipe's `engine` block may ask for, as these engines have it. */
export interface EngineChoice {
  readonly backend?: string;
  readonly executionProvider?: string;
}

export interface EngineService {
  readonly states: StateTransfer;
  readonly choice: EngineChoice;
  /** The code's version as results of these engines are keyed by it: settings that change bits are in it. */
  readonly versionWith: (codeVersion: string) => string;
  readonly start: () => Engine;
}

/** Throws USAGE for settings that make no sense, PROVIDER_UNAVAILABLE for a server that does not serve. */
export type OpenEngineService = (surroundings: EngineSurroundings) => Promise<EngineService>;
