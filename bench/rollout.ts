/** The rollouts of a GRPO step; the peer is `transformers` generate with its cache. */
import type { BenchOptions } from './main.ts';
import { compare } from './compare.ts';

export const bench = (log: (line: string) => void, { withPeers }: BenchOptions) =>
  compare({ part: 'rolloutMs', script: 'generate.py', targets: { stock: 4 }, isFixedLength: true }, withPeers, log);
