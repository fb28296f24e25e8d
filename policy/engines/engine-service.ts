/** Service that a worker opens to use engines: it starts them, and converts their states to artifacts and back. */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import type { FolderManifest } from '../../artifacts/store/files.ts';
import type { Capabilities, Engine, StateHandle } from '../engine.ts';

/** What the worker provides to the engine service. */
export interface EngineSurroundings {
  /** Environment variables, which contain the engine's settings. */
  readonly environment: NodeJS.ProcessEnv;
  /** Threads of one engine, if it computes on this machine. */
  readonly threadCount: number;
  /** Bytes of this machine's memory that one engine may plan. Default: any number. */
  readonly memoryShare?: number;
  readonly store: ArtifactStore;
  /** Local folder that no other process uses. */
  readonly spoolFolder: string;
  /** What a server's Retry-After asks for, in milliseconds from now. It reads a clock. Default: it is ignored. */
  readonly retryAfterMsOf?: (response: Response) => number | undefined;
}

/** A policy's state as artifacts, each a folder (artifacts/store/files.ts). */
export interface StoredState {
  /** Hugging Face layout: config, weights, tokenizer, templates. */
  readonly checkpoint: ArtifactRef;
  /** Optimizer state, and adapters separate from their matrices; null for a new optimizer. */
  readonly optimizer: ArtifactRef | null;
}

/** Transfers states between the artifact store and the place from which engines of this kind load them. */
export interface StateTransfer {
  /** Downloads a state. Throws ARTIFACT_MISSING, ARTIFACT_CORRUPT. */
  fetch(stored: StoredState): Promise<StateHandle>;
  /**
   * Stores the weights as a checkpoint, adapters merged.
   * @param small files of the policy's original checkpoint that training never changes: tokenizer, templates
   */
  putCheckpoint(state: StateHandle, small: FolderManifest['files']): Promise<ArtifactRef>;
  /** Stores the training state that is not in the checkpoint. */
  putOptimizer(state: StateHandle): Promise<ArtifactRef>;
  /** Deletes the state. Using the handle afterwards throws NOT_FOUND. */
  discard(state: StateHandle): Promise<void>;
}

/** Backend and execution provider of these engines, compared with a recipe's `engine` block. */
export interface EngineChoice {
  readonly backend?: string;
  readonly executionProvider?: string;
  /** Server of the engines, if it is one of the Tinker API. */
  readonly tinker?: { readonly url: string; readonly baseModel: string; readonly reduction: string };
  /** Recipes that need more are refused before they run. Default: every recipe is accepted. */
  readonly capabilities?: Capabilities;
}

export interface EngineService {
  readonly states: StateTransfer;
  readonly choice: EngineChoice;
  /** Code version in the cache keys of these engines' results; it includes settings that change bits. */
  readonly versionWith: (codeVersion: string) => string;
  readonly start: () => Engine;
}

/** Throws USAGE for invalid settings, PROVIDER_UNAVAILABLE for an unavailable server. */
export type OpenEngineService = (surroundings: EngineSurroundings) => Promise<EngineService>;
