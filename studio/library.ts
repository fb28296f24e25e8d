/** What the studio reads from: the store, what it has read lately, and experiments that are still running. */
import type { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import type { ExperimentProgress } from '../contract/progress.ts';
import { JsonCache } from '../pipeline/json-cache.ts';
import { Processors } from '../pipeline/policies/processors.ts';
import type { Recipe } from '../recipes/recipe.ts';

/** Experiments that have not ended, from whoever knows of them. */
export interface RunningExperiments {
  list(): Promise<readonly RunningExperiment[]>;
  /** undefined if no such experiment is running. */
  find(experimentId: string): Promise<RunningExperiment | undefined>;
  /** Throws NOT_FOUND. */
  recipeOf(experimentId: string): Promise<Recipe>;
}

export interface RunningExperiment {
  readonly experimentId: string;
  readonly status: string;
  /** undefined while no worker answers. */
  readonly progress: ExperimentProgress | undefined;
}

export interface Library {
  readonly store: ArtifactStore;
  readonly cache: JsonCache;
  /** Tokenizers, by which tokens become text. */
  readonly processors: Processors;
  /** Absent where only finished experiments are shown. */
  readonly running?: RunningExperiments;
}

/** @param folder for tokenizers; of this process alone */
export function openLibrary(store: ArtifactStore, folder: string, running?: RunningExperiments): Library {
  const cache = new JsonCache(store);
  return { store, cache, processors: new Processors(cache, folder), ...(running && { running }) };
}
