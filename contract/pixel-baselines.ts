/** Payloads of `pixelBaselines`: what a logistic regression on small grey pictures reaches on the evaluated tasks. */
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { Split } from '../judge/example.ts';
import type { EvaluationPlan } from './activities.ts';

export interface PixelBaselinesInput {
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
  readonly evaluations: readonly EvaluationPlan[];
}
export interface PixelBaselinesResult {
  /** JSON: KeptBaselines, since they grow with the tasks. */
  readonly baselines: ArtifactRef;
}

/** Of one task that shows pictures, whose verdicts are labels, and that has training rows. Scores in [0, 1]. */
export interface PixelBaseline {
  readonly task: string;
  readonly split: Split;
  /** Test examples, each in all orders of its kind. */
  readonly exampleCount: number;
  readonly accuracy: number;
  readonly macroF1: number;
  readonly ci95: readonly [number, number];
  /** Training rows that it was fitted to, chosen by seed, and those that there are. */
  readonly fittedCount: number;
  readonly trainCount: number;
  /** Prompt fields whose values it saw beside the pixels. */
  readonly fields: readonly string[];
}

/** Content of `PixelBaselinesResult.baselines`. */
export interface KeptBaselines {
  readonly baselines: readonly PixelBaseline[];
  /** Of the fit of each task, also where nothing could be fitted: named here so that garbage collection keeps them. */
  readonly manifests: readonly ArtifactRef[];
}
