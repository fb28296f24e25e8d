/** The TensorFlow.js backend, on whichever of its own backends is installed. */
import { foldConstants } from '../../graph/fold-constants.ts';
import type { Runtime, RuntimeSettings } from '../graph-runner.ts';
import { loadProvider } from './providers.ts';
import { tf } from './tf.ts';
import { TfjsRunner } from './tfjs-runner.ts';

/** Throws PROVIDER_UNAVAILABLE. */
export async function openTfjsRuntime(settings: RuntimeSettings): Promise<Runtime> {
  const { name, activate } = await loadProvider(settings.executionProvider);
  return {
    // tfjs has no thread setting: its cpu backend uses one thread; wasm and TensorFlow choose the number themselves.
    info: { backend: 'tfjs', runtimeVersion: tf.version_core, executionProvider: name, threadCount: 1 },
    compile: (graph) => Promise.resolve(new TfjsRunner(foldConstants(graph), activate)),
  };
}
