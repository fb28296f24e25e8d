/** Opens the configured backend; the other one is not loaded. */
import { MtrlError } from '../../core/errors.ts';
import { type BackendName, type Runtime, type RuntimeSettings, backendNames } from './graph-runner.ts';

/** Throws PROVIDER_UNAVAILABLE; there is no fallback to another backend or provider. */
export async function openRuntime(settings: RuntimeSettings): Promise<Runtime> {
  const backend: string = settings.backend ?? 'onnxruntime';
  if (!isBackend(backend)) {
    throw new MtrlError('PROVIDER_UNAVAILABLE', `there is no backend ${backend}`, {
      hint: `one of ${backendNames.join(', ')}`,
    });
  }
  if (backend === 'onnxruntime') return (await import('./onnx/onnx-runtime.ts')).openOnnxRuntime(settings);
  const { openTfjsRuntime } = await import('./tfjs/tfjs-runtime.ts').catch(withoutTfjs);
  return openTfjsRuntime(settings);
}

function isBackend(name: string): name is BackendName {
  return backendNames.some((backend) => backend === name);
}

function withoutTfjs(cause: unknown): never {
  throw new MtrlError('PROVIDER_UNAVAILABLE', 'the tfjs backend cannot be loaded', {
    found: (cause as Error).message.split('\n')[0] ?? '',
    hint: 'npm install @tensorflow/tfjs-core @tensorflow/tfjs-backend-wasm',
    cause,
  });
}
