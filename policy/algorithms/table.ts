/** All reinforcement learning algorithms. To add one, add its file and a line here. */
import type { Algorithm } from './algorithm.ts';
import { cispo } from './cispo.ts';
import { dapo } from './dapo.ts';
import { dpo } from './dpo.ts';
import { drGrpo } from './dr-grpo.ts';
import { gdpo } from './gdpo.ts';
import { grpo } from './grpo.ts';
import { gspo } from './gspo.ts';
import { maxrl } from './maxrl.ts';
import { raft } from './raft.ts';
import { reinforcePlusPlus } from './reinforce-plus-plus.ts';
import { rloo } from './rloo.ts';

export const algorithms = {
  grpo,
  'dr-grpo': drGrpo,
  dapo,
  gspo,
  cispo,
  rloo,
  'reinforce-plus-plus': reinforcePlusPlus,
  maxrl,
  gdpo,
  raft,
  dpo,
} as const satisfies Readonly<Record<string, Algorithm>>;

export type AlgorithmName = keyof typeof algorithms;

/** Algorithm of rl arms that name none, and of records written before there were others. */
export const defaultAlgorithm = 'grpo' satisfies AlgorithmName;
