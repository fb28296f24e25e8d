/** Names the backend that TensorFlow.js uses by default: the first one that is installed. */
import { listProviders } from '../infra/doctor/providers.ts';

/**
 * Adds the backend's name to the environment, so that it is part of the keys of results: machines with different
 * backends must not share results. Returns the environment unchanged if no backend is available: the engine then
 * reports what is missing.
 */
export async function withNamedProvider(
  environment: NodeJS.ProcessEnv,
  list = listProviders,
): Promise<NodeJS.ProcessEnv> {
  if (environment['MTRL_ENGINE_BACKEND'] !== 'tfjs' || environment['MTRL_ENGINE_PROVIDER']) return environment;
  const found = (await list(['tfjs'])).find(({ isAvailable }) => isAvailable);
  return found ? { ...environment, MTRL_ENGINE_PROVIDER: found.executionProvider } : environment;
}
