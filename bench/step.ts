/** A whole GRPO step: rollouts, rewards, loss, gradients, update; the peer is TRL's GRPOTrainer. */
import type { BenchOptions } from './main.ts';
import { compare } from './compare.ts';

export const bench = (log: (line: string) => void, { withPeers }: BenchOptions) =>
  compare(
    { part: 'stepMs', script: 'trl_step.py', targets: { stock: 4, tuned: 2.5 }, isFixedLength: false },
    withPeers,
    log,
  );
