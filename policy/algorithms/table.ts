/** All reinforcement learning algorithms. To add one, add its file and a line here. */
import type { Algorithm } from './algorithm.ts';
import { grpo } from './grpo.ts';

export const algorithms = {
  grpo,
} as const satisfies Readonly<Record<string, Algorithm>>;

export type AlgorithmName = keyof typeof algorithms;

/** Algorithm of rl arms that name none, and of records written before there were others. */
export const defaultAlgorithm = 'grpo' satisfies AlgorithmName;
