/**
 * Cuts requests into calls that fit under their memory ceiling. Micro-batches decide the order of sums, so they depend on
 * the request alone and not on what else the process holds: a step that is done again is cut as it was.
 */
import type { MemorySpec, SampleRequest, TrainGroup } from '../../../engine.ts';
import type { Architecture } from '../../../models/architecture.ts';
import type { ParameterSpec } from '../../../models/parameters.ts';
import type { TrainingGraphOptions } from '../../../models/training-graph.ts';
import type { CompileOptions } from '../../../runtime/graph-runner.ts';
import {
  type ResidentBytes,
  callByteLength,
  lanesThatFit,
  largest,
  requireFit,
  residentBytes,
  total,
  updateLanesThatFit,
} from './memory-plan.ts';
import { largestCount, microBatches } from '../packing/micro-batches.ts';
import { packGroups } from '../packing/pack-groups.ts';
import {
  type SamplePart,
  evenPromptCount,
  groupShares,
  rolloutOptions,
  sampleTensors,
} from '../packing/sample-batch.ts';
import type { Sessions } from '../sessions.ts';

/** The model that is computed with. */
export interface Fitted {
  readonly architecture: Architecture;
  readonly specs: readonly ParameterSpec[];
  readonly sessions: Sessions;
}

/** Groups of one call of the training graph. */
export interface Batch {
  readonly groups: readonly TrainGroup[];
  /** Position of each group in the request. */
  readonly indices: readonly number[];
}

/** Under a ceiling nothing is kept from one call for the next: what graphs take one after the other does not add up. */
export function compileOptions(memory: MemorySpec | undefined): CompileOptions {
  return memory?.byteLengthMax === undefined ? {} : { givesMemoryBack: true };
}

/** Arrays of earlier calls that are no longer referenced. */
export function dropGarbage(memory: MemorySpec | undefined): void {
  if (memory?.byteLengthMax !== undefined) collectGarbage();
}

/**
 * Arrays lie outside of V8's heap, which is in no hurry to collect them. They are freed in the background: the second
 * collection waits until those of the first are.
 */
export function collectGarbage(): void {
  globalThis.gc?.();
  globalThis.gc?.();
}

export function hasImages(groups: readonly TrainGroup[]): boolean {
  return groups.some(({ prompt }) => prompt.images.length > 0);
}

/** What a request is cut into. */
export interface Cut<T> {
  readonly parts: readonly T[];
  /** Memory of each part's call; not called without a limit. */
  readonly callByteLengths: readonly number[];
  /** Parts that are computed side by side. */
  readonly laneCount: number;
}

interface Held {
  readonly memory?: MemorySpec;
  /** Whether the weights of the KL term's policy are resident, too. */
  readonly withReference: boolean;
}

export type RolloutRequest = SampleRequest & Held;
export type TrainingRequest = Held & { readonly groups: readonly TrainGroup[] };

/**
 * Calls that sample: some prompts each, as many as have room among its rows and, under a ceiling, as fit; or some rollouts
 * of one. The completions of all parts in order are those of the request.
 */
export function cutRollouts(fitted: Fitted, request: RolloutRequest): Cut<SamplePart> {
  const { architecture, specs, sessions } = fitted;
  const { prompts, groupSize, promptOffset, memory, withReference } = request;
  const shares = groupShares(groupSize);
  const partsOf = (from: number, count: number): SamplePart[] => {
    const part = { ...request, prompts: prompts.slice(from, from + count), promptOffset: promptOffset + from };
    return shares.map((share) => ({ ...part, ...share }));
  };
  const bytesOf = (part: SamplePart): number =>
    callByteLength(
      sessions.rolloutPlan(rolloutOptions(architecture, part)),
      sampleTensors(architecture, part),
      part.sampling.tokenCountMax,
    );
  const { byteLengthMax } = memory ?? {};
  const fits = (parts: readonly SamplePart[]): boolean =>
    byteLengthMax === undefined ||
    total(residentBytes(specs, withReference, sessions.laneCount > 1 ? 1 : 0)) + Math.max(...parts.map(bytesOf)) <=
      byteLengthMax;
  const countMax = evenPromptCount(prompts.length, groupSize, sessions.laneCount);
  const parts: SamplePart[] = [];
  let from = 0;
  while (from < prompts.length) {
    const count = largestCount(Math.min(countMax, prompts.length - from), (tried) => fits(partsOf(from, tried)));
    parts.push(...partsOf(from, count));
    from += count;
  }
  return onLanes(fitted, request, parts, bytesOf);
}

/** Micro-batches: by their tokens and, under a ceiling, by what the graph takes for them. */
export function cutTraining(
  fitted: Fitted,
  request: TrainingRequest,
  options: Omit<TrainingGraphOptions, 'withImages'>,
): Cut<Batch> {
  const { architecture, specs, sessions } = fitted;
  const { groups, memory, withReference } = request;
  const lengths = groups.map(({ prompt, completions }) =>
    completions.reduce((sum, { tokenIds }) => sum + tokenIds.length, prompt.tokenIds.length),
  );
  const batchOf = (indices: readonly number[]): Batch => ({
    indices,
    groups: indices.map((index) => groups[index] as TrainGroup),
  });
  const bytesOf = (batch: Batch): number =>
    callByteLength(
      sessions.trainingPlan({ ...options, withImages: hasImages(batch.groups) }),
      packGroups(architecture, batch.groups).tensors,
    );
  const { byteLengthMax } = memory ?? {};
  // As one lane holds it, however many there are: the cut decides bits.
  const batches = microBatches(
    lengths,
    (indices) =>
      byteLengthMax === undefined ||
      total(residentBytes(specs, withReference, 1)) + bytesOf(batchOf(indices)) <= byteLengthMax,
  );
  return onLanes(fitted, request, batches.map(batchOf), bytesOf);
}

function onLanes<T>(
  { specs, sessions: { laneCount } }: Fitted,
  { memory, withReference }: Held,
  parts: readonly T[],
  bytesOf: (part: T) => number,
): Cut<T> {
  const { byteLengthMax } = memory ?? {};
  if (byteLengthMax === undefined) return { parts, callByteLengths: [], laneCount };
  const calls = parts.map(bytesOf);
  const limits = { calls, laneCount, byteLengthMax };
  return { parts, callByteLengths: calls, laneCount: lanesThatFit(specs, withReference, limits) };
}

/** Throws MEMORY_EXCEEDED where a part, which is a single prompt then, does not fit. */
export function requireCutFits(
  what: string,
  { specs, sessions }: Fitted,
  { memory, withReference }: Held,
  { callByteLengths }: Cut<unknown>,
): void {
  if (memory?.byteLengthMax === undefined) return;
  const resident = residentBytes(specs, withReference, sessions.laneCount > 1 ? 1 : 0);
  requireFit(what, resident, Math.max(0, ...callByteLengths), memory.byteLengthMax);
}

/** What is held while a cut request is computed: what stays, and the largest calls that may meet. */
export function heldBytes(
  { specs, sessions }: Fitted,
  { withReference }: Held,
  { laneCount, callByteLengths }: Cut<unknown>,
): { readonly resident: ResidentBytes; readonly calls: number } {
  const resident = residentBytes(specs, withReference, sessions.laneCount > 1 ? laneCount : 0);
  return { resident, calls: largest(callByteLengths, laneCount) };
}

/** Calls of an update that run side by side. */
export function updateLaneCount({ specs, sessions }: Fitted, { memory, withReference }: Held): number {
  const { laneCount } = sessions;
  if (memory?.byteLengthMax === undefined) return laneCount;
  return updateLanesThatFit(specs, withReference, { laneCount, byteLengthMax: memory.byteLengthMax });
}
