/** The schema of an arm: one branch per objective. */
import { z } from 'zod';
import { noneArm } from './none.ts';
import { rlArm } from './rl.ts';
import { sftArm } from './sft.ts';

export const armSchema = z.discriminatedUnion('objective', [noneArm, sftArm, rlArm]);

export type Arm = z.infer<typeof armSchema>;
export type Objective = Arm['objective'];
export type { RlArm } from './rl.ts';
export type { SftArm } from './sft.ts';
export type TrainedArm = Exclude<Arm, { readonly objective: 'none' }>;
