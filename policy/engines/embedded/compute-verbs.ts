/** What the compute process is asked for: the verbs of an engine, with states as folders of this machine's disk. */
import type { EngineInfo, PolicyVerbs } from '../../engine.ts';

export interface ComputeVerbs extends PolicyVerbs {
  /** Reads a Hugging Face folder (config.json, model*.safetensors); optimizer state starts at zero. */
  loadCheckpoint(folder: string): Promise<EngineInfo>;
  /** Weights and optimizer state as `saveState` wrote them. */
  loadState(folder: string): Promise<EngineInfo>;
  /** Fresh weights from the folder's config.json, by seed. */
  initialize(folder: string, seed: number): Promise<EngineInfo>;
  /** Writes model.safetensors (adapters merged, + config.json) and optimizer*.safetensors into the folder. */
  saveState(folder: string): Promise<void>;
  /** Keeps the folder's weights as the reference policy of the KL term. */
  loadReference(folder: string): Promise<void>;
  close(): Promise<void>;
}
