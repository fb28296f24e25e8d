/** Execution providers of ONNX Runtime: their requirements, and whether they are available. There is no fallback. */
import * as ort from 'onnxruntime-node';
import { MtrlError } from '../../../core/errors.ts';
import { add } from '../../graph/build.ts';
import { emitOnnx } from '../../graph/emit.ts';
import { Graph } from '../../graph/ir.ts';
import { Session } from './session.ts';

const needs = {
  cpu: 'only onnxruntime-node',
  webgpu:
    'a Vulkan loader (libvulkan.so.1; Debian: libvulkan1) and a driver that it finds: a GPU, or software such as ' +
    "Mesa's lavapipe (mesa-vulkan-drivers) or the SwiftShader of a Chromium " +
    '(VK_DRIVER_FILES and VK_ICD_FILENAMES name its vk_swiftshader_icd.json; XDG_RUNTIME_DIR must be set)',
  cuda:
    'an NVIDIA driver, CUDA 12, cuDNN 9, and libonnxruntime_providers_shared.so and libonnxruntime_providers_cuda.so ' +
    'beside libonnxruntime.so.1 under node_modules/onnxruntime-node/bin (its install script fetches them: ' +
    '`ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js`)',
} as const;

export type OnnxProvider = keyof typeof needs;

/** Throws PROVIDER_UNAVAILABLE unless a session of that provider can be created on this machine. */
export async function checkProvider(name: string): Promise<OnnxProvider> {
  if (!isProvider(name)) {
    throw new MtrlError('PROVIDER_UNAVAILABLE', `the onnxruntime backend has no execution provider ${name}`, {
      hint: `one of ${Object.keys(needs).join(', ')}`,
    });
  }
  if (name === 'cpu') return name;
  try {
    const session = await Session.create(probe(), { threadCount: 1, executionProvider: name, logSeverityLevel: 4 });
    await session.release();
    return name;
  } catch (cause) {
    throw new MtrlError('PROVIDER_UNAVAILABLE', `the execution provider ${name} is not available`, {
      // The message without its prefix, the location of the failure in ONNX Runtime's sources.
      found: (cause as Error).message.replace(/^.* was false\. /, '').split('\n')[0] ?? '',
      hint: `it needs ${needs[name]}`,
      cause,
    });
  }
}

export const onnxRuntimeVersion: string = ort.env.versions.node ?? 'unknown';

function isProvider(name: string): name is OnnxProvider {
  return Object.hasOwn(needs, name);
}

function probe(): Uint8Array {
  const g = new Graph('probe');
  const x = g.input('x', 'float32', [1]);
  g.output('y', add(g, x, x));
  return emitOnnx(g);
}
