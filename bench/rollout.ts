/** The rollouts of a GRPO step. */
import { compare } from './grpo-step.ts';

export const bench = (log: (line: string) => void) => compare('rolloutMs', log);
