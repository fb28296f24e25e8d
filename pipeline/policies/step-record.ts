/**
 * The step record: an update of a policy, and its result. It contains or references everything needed to replay the
 * update and nothing else (no times, no ids), so that equal training gives equal records on any machine at any time.
 */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import type { AnswerMode } from '../../judge/example.ts';
import type { ModeWords } from '../../judge/tasks/prompt.ts';
import type { AlgorithmName } from '../../policy/algorithms/table.ts';
import type { MemorySpec, OptimStepRequest, TrainableSpec } from '../../policy/engine.ts';
import type { OptimizerSpec, TaskSpec } from '../../recipes/recipe.ts';

/** How examples become prompts: the declared tasks that the update uses, and the words for the modes. */
export interface Prompting {
  readonly tasks: Readonly<Record<string, TaskSpec>>;
  readonly modeWords: ModeWords;
}

/** Without the schedule, whose value at each step is written out. */
export type AdamSpec = Pick<OptimizerSpec, 'beta1' | 'beta2' | 'epsilon' | 'weightDecay' | 'gradientNormMax'> &
  // Left out where AdamW updates everything.
  Pick<OptimStepRequest, 'muon'>;

interface UpdateCommon {
  readonly dataset: ArtifactRef;
  readonly prompting: Prompting;
  readonly adam: AdamSpec;
  /** Left out where all weights learn. */
  readonly trainable?: TrainableSpec;
  /** Undefined without a limit. */
  readonly memory?: MemorySpec;
}

/** The settings of its algorithm (policy/algorithms) stand beside these fields, as they do in an arm. */
export interface RlUpdate extends UpdateCommon {
  /**
   * What records call an update from rollouts, whatever its algorithm: they were kept under this name before there was
   * more than one, and a worker of an earlier build still replays what a later one has recorded.
   */
  readonly objective: 'grpo';
  /** Not in records of before there was more than one: grpo. */
  readonly algorithm?: AlgorithmName;
  readonly step: number;
  readonly learningRate: number;
  readonly mode: AnswerMode;
  /** Shards in order. */
  readonly rollouts: readonly ArtifactRef[];
  readonly rewards: ArtifactRef;
  readonly temperature: number;
  readonly logProbToleranceMax: number;
  /** Snapshot of the KL reference; null without a KL term. */
  readonly reference: ArtifactRef | null;
}

export interface SftStep {
  readonly step: number;
  readonly learningRate: number;
  /** Index into the dataset, and whether it is trained in `direct` mode. */
  readonly examples: readonly (readonly [index: number, mode: AnswerMode])[];
}

export interface SftUpdate extends UpdateCommon {
  readonly objective: 'sft';
  readonly steps: readonly SftStep[];
}

export type Update = RlUpdate | SftUpdate;

export interface StepOutcome {
  readonly step: number;
  readonly loss: number;
  /** Before clipping; 0 where no group had anything to teach and no update was made. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly tokenCount: number;
  /** Largest |rollout - trainer| log-prob; 0 for supervised steps. */
  readonly logProbDifferenceMax: number;
  /** Where the loss has a KL term: its k3 estimate, nats a token. */
  readonly klMean?: number;
  readonly droppedGroupCount: number;
}

/** Which runtime did it: the same bits are promised for the same runtime only. */
export interface Runtime {
  readonly backend: string;
  readonly runtimeVersion: string;
  readonly executionProvider: string;
  readonly threadCount: number;
  readonly cpuModel: string;
}

export interface StepRecord {
  readonly schema: 1;
  readonly update: Update;
  readonly steps: readonly StepOutcome[];
  /** After the last of them. */
  readonly weightsDigest: string;
  readonly runtime: Runtime;
  /** Of an engine whose replay need not meet the digest; left out where it must. */
  readonly bitExact?: false;
}

export function isFromRollouts(update: Update): update is RlUpdate {
  return update.objective === 'grpo';
}

/** Updates from rollouts, in order. */
export function rolloutUpdates(records: readonly StepRecord[]): RlUpdate[] {
  return records.map(({ update }) => update).filter(isFromRollouts);
}

export function describeRuntime(runtime: Runtime): string {
  const { backend, runtimeVersion, executionProvider, threadCount, cpuModel } = runtime;
  return `${backend} ${runtimeVersion}, ${executionProvider}, ${String(threadCount)} threads, ${cpuModel}`;
}

/** Whether two runtimes promise the same bits. Threads change none. */
export function promiseSameBits(a: Runtime, b: Runtime): boolean {
  const [one, other] = [a, b].map((runtime) => describeRuntime({ ...runtime, threadCount: 0 }));
  return one === other;
}
