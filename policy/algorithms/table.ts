/** All algorithms of reinforcement learning, a line each: to add one is to add its file and its line here. */
import type { Algorithm } from './algorithm.ts';
import { grpo } from './grpo.ts';

export const algorithms = {
  grpo,
} as const satisfies Readonly<Record<string, Algorithm>>;

export type AlgorithmName = keyof typeof algorithms;

/** Of rl arms that name none, and of records that were kept before there were others. */
export const defaultAlgorithm = 'grpo' satisfies AlgorithmName;
