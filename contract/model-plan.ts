/** What training a checkpoint takes: asked by `mtrl doctor --model`, answered by a process that knows the model. */
import type { Loss, MemorySpec, TrainableSpec } from '../policy/engine.ts';

/** One step of an arm. */
export interface ArmShape {
  readonly arm: string;
  readonly promptCount: number;
  /** 1 for supervised training: no rollouts. */
  readonly groupSize: number;
  readonly completionTokenCount: number;
  readonly loss: Loss['name'];
  readonly withReference: boolean;
  readonly trainable: TrainableSpec;
  readonly memory: MemorySpec;
  /** A prompt as it is usual for the arm. */
  readonly promptText: string;
  readonly imageCount: number;
}

export interface PlanRequest {
  readonly folder: string;
  readonly threadCount: number;
  /** Of the pictures of a prompt, pixels a side. */
  readonly imageEdge: number;
  readonly arms: readonly ArmShape[];
}

export interface ModelPlan {
  readonly modelType: string;
  readonly parameterCount: number;
  readonly threadCount: number;
  readonly wideFlopsPerSecond: number;
  readonly arms: readonly ArmPlan[];
}

export interface ArmPlan {
  readonly arm: string;
  readonly promptTokenCount: number;
  readonly imageCount: number;
  readonly microBatchCount: number;
  readonly microBatchPromptCount: number;
  readonly byteLengths: Readonly<Record<string, number>>;
  readonly byteLengthNeeded: number;
  readonly fits: boolean;
  /** Floating-point operations of a step. */
  readonly flops: { readonly training: number; readonly rollouts?: number };
  readonly secondsPerStep: number;
  readonly trainingSeconds: number;
  readonly rolloutSeconds?: number;
}
