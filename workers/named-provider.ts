/** Left to itself, TensorFlow.js computes with the first of its backends that is installed. */
import { listProviders } from '../infra/doctor/providers.ts';
import type { EngineSettings } from '../policy/engines/embedded/settings.ts';

/**
 * Names the one that it will be, so that it is in the keys of results: machines with different backends must not find
 * each other's. Unchanged where no backend can be used: the engine then says what is missing.
 */
export async function withNamedProvider(settings: EngineSettings, list = listProviders): Promise<EngineSettings> {
  if (settings.backend !== 'tfjs' || settings.executionProvider !== undefined) return settings;
  const found = (await list(['tfjs'])).find(({ isAvailable }) => isAvailable);
  return found ? { ...settings, executionProvider: found.executionProvider } : settings;
}
