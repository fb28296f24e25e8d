/** The update of a GRPO step: loss, gradients, AdamW; the peer is PyTorch with the model of `transformers`. */
import type { BenchOptions } from './main.ts';
import { compare } from './compare.ts';
import { prefixSpeedUps } from './shared-prefix.ts';

export async function bench(log: (line: string) => void, { withPeers }: BenchOptions) {
  const comparison = { part: 'trainMs', script: 'torch_step.py', targets: {}, isFixedLength: true } as const;
  return { ...(await compare(comparison, withPeers, log)), sharedPrefix: await prefixSpeedUps(log) };
}
