/** Interface of the compute process: the verbs of an engine, with states as folders on the local disk. */
import type { EngineInfo, PolicyVerbs } from '../../engine.ts';

export interface ComputeVerbs extends PolicyVerbs {
  /** Reads a Hugging Face folder (config.json, model*.safetensors); optimizer state starts at zero. */
  loadCheckpoint(folder: string): Promise<EngineInfo>;
  /** Loads weights and optimizer state as written by `saveState`. */
  loadState(folder: string): Promise<EngineInfo>;
  /** Initialises weights by seed for the model of the folder's config.json. */
  initialize(folder: string, seed: number): Promise<EngineInfo>;
  /** Writes model*.safetensors (adapters merged), config.json and optimizer* files into the folder. */
  saveState(folder: string): Promise<void>;
  /** Loads the folder's weights as the reference policy of the KL term. */
  loadReference(folder: string): Promise<void>;
  close(): Promise<void>;
}
