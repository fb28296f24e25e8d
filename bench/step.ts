/** A whole GRPO step: rollouts, loss, gradients, update. */
import { compare } from './grpo-step.ts';

export const bench = (log: (line: string) => void) => compare('stepMs', log);
