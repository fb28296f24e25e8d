/** Learning rate by step: linear warm-up, then constant, linear or cosine decay to a share of the peak. */

export interface Schedule {
  readonly learningRate: number;
  readonly schedule: 'constant' | 'linear' | 'cosine';
  readonly finalLearningRateRatio: number;
  readonly warmupStepCount: number;
}

/** @param step 0-based */
export function learningRateAt(spec: Schedule, step: number, stepCount: number): number {
  const warm = spec.warmupStepCount === 0 ? 1 : Math.min(1, (step + 1) / spec.warmupStepCount);
  return spec.learningRate * warm * decayAt(spec, stepCount <= 1 ? 0 : step / (stepCount - 1));
}

function decayAt(spec: Schedule, progress: number): number {
  const span = 1 - spec.finalLearningRateRatio;
  if (spec.schedule === 'linear') return 1 - span * progress;
  if (spec.schedule === 'cosine') return spec.finalLearningRateRatio + span * 0.5 * (1 + Math.cos(Math.PI * progress));
  return 1;
}
