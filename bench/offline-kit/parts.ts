/** Which parts `kit/check` has, given what this machine offers. */
import { listProviders } from '../../infra/doctor/providers.ts';
import { kitShapeNames } from './kit-shapes.ts';
import type { Part } from './part.ts';
import { readOps, readRounds, readSteps } from './readings.ts';
import type { Environment } from './vulkan.ts';

export const gpuProviders = ['webgpu', 'cuda'] as const;
export type GpuProvider = (typeof gpuProviders)[number];

export interface Offer {
  readonly environment: Environment;
  /** Why it cannot be used. */
  readonly leftOut?: string;
}

/** What this machine offers. */
export interface Offers {
  readonly providers: Readonly<Record<GpuProvider, Offer>>;
  /** PyTorch: its interpreter is in the environment. */
  readonly torch: Offer & { readonly device: string };
}

const differences = new URL('./differences.ts', import.meta.url);
const stepTimes = new URL('./step-times.ts', import.meta.url);

/** Comparisons first. The weights share the time that is left. */
export function partsOf({ providers, torch }: Offers): Part[] {
  const compared = gpuProviders.flatMap((provider): Part[] => {
    const part = { program: differences, ...providers[provider] };
    return [
      { ...part, name: `${provider} ops`, args: () => [provider], weight: 14, read: readOps },
      {
        ...part,
        name: `${provider} step`,
        args: () => [provider, 'untied-gqa', 'demo-base'],
        weight: 4,
        read: readSteps,
      },
    ];
  });
  const sides: [side: string, device: string, offer: Offer][] = [
    ['ours', 'cpu', { environment: {} }],
    ...gpuProviders.map((provider): [string, string, Offer] => ['ours', provider, providers[provider]]),
    ['torch', torch.device, torch],
  ];
  const weights = { tiny: 2, small: 3, 'smolvlm-256m': 6 } as const;
  const timed = kitShapeNames.flatMap((shape) =>
    sides.map(([side, device, { environment, leftOut }]): Part => {
      const name = `${shape} ${side === 'torch' ? `torch ${device}` : device}`;
      return {
        ...{ name, environment, program: stepTimes, weight: weights[shape] },
        args: (seconds) => [side, shape, device, seconds.toFixed(1)],
        ...(leftOut !== undefined && { leftOut }),
        read: readRounds,
      };
    }),
  );
  return [...compared, ...timed];
}

const cudaHint =
  'ONNX Runtime loads libonnxruntime_providers_cuda.so and libonnxruntime_providers_shared.so from ' +
  'node_modules/onnxruntime-node/bin/napi-v6/linux/x64 of the kit, which does not carry them; it also needs CUDA 12 and cuDNN 9';

/** Why the provider cannot be used; undefined if it can. */
export async function whyNot(provider: GpuProvider, environment: Environment): Promise<string | undefined> {
  const [report] = await listProviders([`onnxruntime/${provider}`], { ...process.env, ...environment });
  if (report === undefined || report.isAvailable) return undefined;
  return provider === 'cuda' ? `${report.found}; ${cudaHint}` : report.found;
}
