/**
 * Memory and time that training a checkpoint takes: requested by `mtrl doctor --model`, computed in a separate process.
 */
import type { Loss, MemorySpec, TrainableSpec } from '../policy/engine.ts';

/** Dimensions of one training step of an arm. */
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
  /** The longest prompt template of the arm's tasks. */
  readonly promptText: string;
  readonly imageCount: number;
}

export interface PlanRequest {
  /** A folder in Hugging Face layout, or a GGUF file. */
  readonly checkpoint: string;
  readonly threadCount: number;
  /** Edge length of the images of a prompt, in pixels. */
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
  /** Floating-point operations per step; `prompts` are those of the rollouts that read the prompts. */
  readonly flops: { readonly training: number; readonly rollouts?: number; readonly prompts?: number };
  readonly secondsPerStep: number;
  readonly trainingSeconds: number;
  readonly rolloutSeconds?: number;
}
