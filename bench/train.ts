/** The update of a GRPO step: loss, gradients, AdamW. */
import { compare } from './grpo-step.ts';

export const bench = (log: (line: string) => void) => compare('trainMs', log);
