/** Left to itself, TensorFlow.js computes with the first of its backends that is installed. */
import { listProviders } from '../infra/doctor/providers.ts';

/**
 * The environment, with the name of the one that it will be, so that it is in the keys of results: machines with
 * different backends must not find each other's. Unchanged where no backend can be used: the engine then says what is
 * missing.
 */
export async function withNamedProvider(
  environment: NodeJS.ProcessEnv,
  list = listProviders,
): Promise<NodeJS.ProcessEnv> {
  if (environment['MTRL_ENGINE_BACKEND'] !== 'tfjs' || environment['MTRL_ENGINE_PROVIDER']) return environment;
  const found = (await list(['tfjs'])).find(({ isAvailable }) => isAvailable);
  return found ? { ...environment, MTRL_ENGINE_PROVIDER: found.executionProvider } : environment;
}
