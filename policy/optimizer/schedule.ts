/** Learning rate by step: linear warm-up, then constant, linear or cosine decay to a share of the peak. */

export interface Schedule {
  readonly learningRate: number;
  readonly schedule: 'constant' | 'linear' | 'cosine';
  readonly finalLearningRateRatio: number;
  readonly warmupStepCount: number;
  /** `peak`: decay starts at the last warm-up step. `firstStep`: at step 0, so a warm-up ends below the peak rate. */
  readonly decayFrom: 'peak' | 'firstStep';
}

/** @param step 0-based */
export function learningRateAt(spec: Schedule, step: number, stepCount: number): number {
  const { learningRate, warmupStepCount, decayFrom } = spec;
  const warm = warmupStepCount === 0 ? 1 : Math.min(1, (step + 1) / warmupStepCount);
  const decayStart = decayFrom === 'peak' ? Math.max(0, warmupStepCount - 1) : 0;
  const decayStepCount = stepCount - 1 - decayStart;
  const progress = decayStepCount <= 0 ? 0 : Math.max(0, step - decayStart) / decayStepCount;
  return learningRate * warm * decayAt(spec, progress);
}

function decayAt(spec: Schedule, progress: number): number {
  const span = 1 - spec.finalLearningRateRatio;
  if (spec.schedule === 'linear') return 1 - span * progress;
  if (spec.schedule === 'cosine') return spec.finalLearningRateRatio + span * 0.5 * (1 + Math.cos(Math.PI * progress));
  return 1;
}
