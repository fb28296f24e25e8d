/** The ONNX Runtime backend, on one of its execution providers. */
import { emitOnnx } from '../../graph/emit.ts';
import { rewrite } from '../../graph/rewrite.ts';
import type { Runtime, RuntimeInfo, RuntimeSettings } from '../graph-runner.ts';
import { DeviceCopies } from './device-copies.ts';
import { Lanes, sharedZeros } from './lanes.ts';
import { checkProvider, onnxRuntimeVersion } from './providers.ts';
import { Session } from './session.ts';
import { webgpuRules } from './webgpu-rules.ts';

/** Measured on SmolLM2-135M (docs/memory.md). */
const callByteLengthMax = 320e6;

/** Throws PROVIDER_UNAVAILABLE; there is no fallback to another provider. */
export async function openOnnxRuntime({ threadCount, executionProvider = 'cpu' }: RuntimeSettings): Promise<Runtime> {
  const provider = await checkProvider(executionProvider);
  // The binding can keep tensors on the device only with this provider.
  const copies = provider === 'webgpu' ? new DeviceCopies(provider) : undefined;
  const info = {
    backend: 'onnxruntime-node',
    runtimeVersion: onnxRuntimeVersion,
    executionProvider: provider,
    threadCount,
  };
  if (provider === 'cpu' && threadCount > 1) return laneRuntime(info, threadCount);
  return {
    info,
    ...(provider === 'cpu' && { callByteLengthMax }),
    compile: (graph, { keepsOutputs = false } = {}) =>
      Session.create(emitOnnx(provider === 'webgpu' ? rewrite(graph, webgpuRules) : graph), {
        threadCount,
        executionProvider: provider,
        ...(copies && { copies, keepsOutputs }),
      }),
    ...(copies && {
      settle: () => copies.settle(),
      forget: () => {
        copies.forget();
      },
    }),
  };
}

function laneRuntime(info: RuntimeInfo, laneCount: number): Runtime {
  const lanes = new Lanes(laneCount);
  return {
    info,
    laneCount,
    callByteLengthMax,
    zeros: sharedZeros,
    compile: (graph) => lanes.compile(graph),
    trim: () => lanes.trim(),
    close: () => lanes.close(),
  };
}
