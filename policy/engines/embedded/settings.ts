/** Settings of embedded engines, from the environment of the process that starts them. */
import { MtrlError } from '../../../core/errors.ts';
import type { EngineSurroundings } from '../engine-service.ts';
import { type RuntimeSettings, backendNames } from '../../runtime/graph-runner.ts';

export interface EngineSettings extends RuntimeSettings {
  /** Resident memory above which a compute process is killed: COMPUTE_OUT_OF_MEMORY. Default: no limit. */
  readonly memoryByteLengthMax?: number;
  /** Bytes of the machine's memory that an engine may plan; it limits how many calls run concurrently, no more. */
  readonly memoryShare?: number;
  /** Time without a call after which an engine gives memory back to the machine. Default: 5 s. */
  readonly idleMs?: number;
}

/**
 * Reads MTRL_ENGINE_BACKEND and MTRL_ENGINE_PROVIDER (unset or empty: ONNX Runtime on the CPU) and
 * MTRL_ENGINE_MEMORY_BYTE_LENGTH_MAX, the memory limit of one compute process. Throws USAGE.
 */
export function engineSettings(
  environment: NodeJS.ProcessEnv,
  { threadCount, memoryShare }: Pick<EngineSurroundings, 'threadCount' | 'memoryShare'>,
): EngineSettings {
  const [backend, executionProvider] = ['MTRL_ENGINE_BACKEND', 'MTRL_ENGINE_PROVIDER'].map((variable) => {
    const text = environment[variable];
    return text === '' ? undefined : text;
  });
  const known = backendNames.find((name) => name === backend);
  if (backend !== undefined && known === undefined) {
    throw new MtrlError('USAGE', 'MTRL_ENGINE_BACKEND is not a backend', {
      where: 'environment variable MTRL_ENGINE_BACKEND',
      found: backend,
      hint: `one of ${backendNames.join(', ')}`,
    });
  }
  return {
    threadCount,
    ...(memoryShare === undefined ? {} : { memoryShare }),
    ...(known === undefined ? {} : { backend: known }),
    ...(executionProvider === undefined ? {} : { executionProvider }),
    ...memoryLimit(environment[memoryVariable]),
  };
}

const memoryVariable = 'MTRL_ENGINE_MEMORY_BYTE_LENGTH_MAX';

function memoryLimit(text: string | undefined): Pick<EngineSettings, 'memoryByteLengthMax'> {
  if (text === undefined || text === '') return {};
  const memoryByteLengthMax = Number(text);
  if (Number.isSafeInteger(memoryByteLengthMax) && memoryByteLengthMax > 0) return { memoryByteLengthMax };
  throw new MtrlError('USAGE', `${memoryVariable} is not a number of bytes`, {
    where: `environment variable ${memoryVariable}`,
    found: text,
    hint: 'a whole number, such as 8000000000',
  });
}

/** Their kernels add gradients in an order that differs from call to call (docs/backends.md). */
const unorderedProviders: readonly string[] = ['webgpu', 'cuda', 'tfjs-node-gpu'];

/** Whether equal calls give equal bits. */
export function isBitExact({ executionProvider }: RuntimeSettings): boolean {
  return executionProvider === undefined || !unorderedProviders.includes(executionProvider);
}

/** Code version in cache keys of these engines' results. It names a non-default backend, whose last bits differ. */
export function versionWith(codeVersion: string, { backend, executionProvider }: RuntimeSettings): string {
  const isUsual = (backend ?? 'onnxruntime') === 'onnxruntime' && (executionProvider ?? 'cpu') === 'cpu';
  return isUsual ? codeVersion : `${codeVersion}+${backend ?? 'onnxruntime'}-${executionProvider ?? 'first'}`;
}
