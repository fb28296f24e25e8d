/** The first backend: ONNX Runtime on one of its execution providers. */
import { emitOnnx } from '../../graph/emit.ts';
import { rewrite } from '../../graph/rewrite.ts';
import type { Runtime, RuntimeSettings } from '../graph-runner.ts';
import { checkProvider, onnxRuntimeVersion } from './providers.ts';
import { Session } from './session.ts';
import { webgpuRules } from './webgpu-rules.ts';

/** Throws PROVIDER_UNAVAILABLE; never takes another provider instead. */
export async function openOnnxRuntime({ threadCount, executionProvider = 'cpu' }: RuntimeSettings): Promise<Runtime> {
  const provider = await checkProvider(executionProvider);
  return {
    info: {
      backend: 'onnxruntime-node',
      runtimeVersion: onnxRuntimeVersion,
      executionProvider: provider,
      threadCount,
    },
    compile: (graph, { givesMemoryBack = false } = {}) =>
      Session.create(emitOnnx(provider === 'webgpu' ? rewrite(graph, webgpuRules) : graph), {
        threadCount,
        executionProvider: provider,
        keepsMemory: !givesMemoryBack,
      }),
  };
}
