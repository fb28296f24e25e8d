/** What drafts of a recipe share. */
import { availableParallelism, totalmem } from 'node:os';
import type { Machine } from '../../judge/datasets/inspection/plan/arm-sizes.ts';
import { quarantineRate, type Trial } from '../../judge/datasets/inspection/plan/trial.ts';

export interface DraftSettings {
  readonly name: string;
  /** A path as the recipe writes it. */
  readonly placeOf: (path: string) => string;
}

export const thisMachine = (): Machine => ({ coreCount: availableParallelism(), memoryByteLength: totalmem() });

/** The default of a recipe's `quarantineRateMax`. */
const usualRateMax = 0.1;
const rateStep = 0.05;

/** `quarantineRateMax` for what the sampled rows make: a step more than was found. Undefined if the default serves. */
export function allowedRate(trials: readonly Trial[]): number | undefined {
  const rate = Math.max(0, ...trials.map(quarantineRate));
  if (rate <= usualRateMax - rateStep) return undefined;
  return Number(Math.min(1, (Math.ceil(rate / rateStep) + 1) * rateStep).toFixed(2));
}
