/** Embedded engines: each is a separate process on this machine, which computes with ONNX Runtime or TensorFlow.js. */
import { join } from 'node:path';
import type { EngineService, EngineSurroundings } from '../engine-service.ts';
import { FolderStates } from './folder-states.ts';
import { processEngine } from './process-engine.ts';
import { engineSettings, isBitExact, versionWith } from './settings.ts';
import { spawnEmbeddedEngine } from './spawn.ts';

/** Throws USAGE. A missing backend is detected only when the first state is loaded: PROVIDER_UNAVAILABLE. */
export function openEmbedded(surroundings: EngineSurroundings): Promise<EngineService> {
  const { environment, store, spoolFolder } = surroundings;
  const settings = engineSettings(environment, surroundings);
  const states = new FolderStates(store, join(spoolFolder, 'states'));
  return Promise.resolve({
    states,
    choice: settings,
    versionWith: (codeVersion) => versionWith(codeVersion, settings),
    start: () => processEngine(spawnEmbeddedEngine(settings), states, { bitExact: isBitExact(settings) }),
  });
}
