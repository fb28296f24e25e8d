/**
 * Splits requests into calls that fit under their memory ceiling. Micro-batches determine the order of summation, so
 * they depend only on the request, not on other memory that the process uses: a repeated step is split in the same way.
 */
import type { ForwardRequest, MemorySpec, SampleRequest, TrainGroup } from '../../../engine.ts';
import type { Architecture } from '../../../models/architecture.ts';
import type { ParameterSpec } from '../../../models/parameters.ts';
import type { TrainingGraphOptions } from '../../../models/training-graph.ts';
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
import { joinBatches } from '../packing/join-batches.ts';
import { callTokenCountMax, callTokenCountMin, largestCount, microBatches } from '../packing/micro-batches.ts';
import { packGroups } from '../packing/pack-groups.ts';
import {
  type SamplePart,
  evenPromptCount,
  groupShares,
  rolloutOptions,
  sampleTensors,
} from '../packing/sample-batch.ts';
import type { Sessions } from '../sessions.ts';

/** The model of the requests, with its compiled graphs. */
export interface Fitted {
  readonly architecture: Architecture;
  readonly specs: readonly ParameterSpec[];
  readonly sessions: Sessions;
  /** Bytes of the machine's memory that this engine may plan; it limits how many calls run concurrently, no more. */
  readonly memoryShare?: number;
}

/** Groups of one call of the training graph. */
export interface Batch {
  readonly groups: readonly TrainGroup[];
  /** Position of each group in the request. */
  readonly indices: readonly number[];
}

export function hasImages(groups: readonly TrainGroup[]): boolean {
  return groups.some(({ prompt }) => prompt.images.length > 0);
}

/** A request, split into parts. */
export interface Cut<T> {
  readonly parts: readonly T[];
  /** Planned memory of each part's call; empty if nothing limits it. */
  readonly callByteLengths: readonly number[];
  /** Number of parts that are computed concurrently. */
  readonly laneCount: number;
}

interface Held {
  readonly memory?: MemorySpec;
  /** Whether the weights of the reference policy (KL term) are resident too. */
  readonly withReference: boolean;
}

export type RolloutRequest = SampleRequest & Held;
export type TrainingRequest = Held & Pick<ForwardRequest, 'groups' | 'groupCounts'>;

/**
 * Splits sampling into calls: several prompts each, as many as fit into the rows of a call and under the ceiling, or
 * some of the rollouts of one prompt. The completions of all parts, in order, are those of the request.
 */
export function cutRollouts(fitted: Fitted, request: RolloutRequest): Cut<SamplePart> {
  const { architecture, specs, sessions } = fitted;
  const { prompts, groupSize, promptOffset, draws, memory, withReference } = request;
  const shares = groupShares(groupSize);
  const partsOf = (from: number, count: number): SamplePart[] => {
    const part = {
      ...{ ...request, prompts: prompts.slice(from, from + count), promptOffset: promptOffset + from },
      ...(draws && { draws: draws.slice(from, from + count) }),
    };
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

/** Splits training into micro-batches, by token count and, under a ceiling, by the memory of the graph. */
export function cutTraining(
  fitted: Fitted,
  request: TrainingRequest,
  options: Omit<TrainingGraphOptions, 'withImages'>,
): Cut<Batch> {
  const { architecture, specs, sessions } = fitted;
  const { groups, groupCounts = [groups.length], memory, withReference } = request;
  const lengths = groups.map(({ prompt, completions }) =>
    completions.reduce((sum, { tokenIds }) => sum + tokenIds.length, prompt.tokenIds.length),
  );
  const groupsOf = (indices: readonly number[]): TrainGroup[] => indices.map((index) => groups[index] as TrainGroup);
  const batchOf = (indices: readonly number[]): Batch => ({ indices, groups: groupsOf(indices) });
  const tokenCountOf = (indices: readonly number[]): number =>
    indices.reduce((sum, index) => sum + (lengths[index] as number), 0);
  const bytesOf = (batch: Batch): number =>
    callByteLength(
      sessions.trainingPlan({ ...options, withImages: hasImages(batch.groups) }),
      packGroups(architecture, batch.groups).tensors,
    );
  const { byteLengthMax } = memory ?? {};
  // Planned for one lane, however many there are, because the split affects the bits of the result.
  const fits = (indices: readonly number[]): boolean =>
    byteLengthMax === undefined ||
    total(residentBytes(specs, withReference, 1)) + bytesOf(batchOf(indices)) <= byteLengthMax;
  let from = 0;
  const batches = groupCounts.flatMap((count) => {
    const indices = Array.from({ length: count }, (_, i) => from + i);
    from += count;
    return batchesOf(indices);
  });
  const parts = groupCounts.length > 1 ? joinBatches(batches, { groupsOf, countMaxOf: joinedCountMax, fits }) : batches;
  return onLanes(fitted, request, parts.map(batchOf), bytesOf);

  /** Micro-batches of groups that are one request. */
  function batchesOf(indices: readonly number[]): (readonly number[])[] {
    const inRequest = (places: readonly number[]): number[] => places.map((place) => indices[place] as number);
    const batches = microBatches(
      indices.map((index) => lengths[index] as number),
      tokensOfCall(indices),
      (places) => fits(inRequest(places)),
    );
    return batches.map(inRequest);
  }

  /** Groups like these that are a lane's share of the tokens, and fit into a call: no bit of them depends on it. */
  function joinedCountMax(indices: readonly number[]): number {
    const share = Math.max(callTokenCountMin, tokenCountOf([...groups.keys()]) / sessions.laneCount);
    const tokenCountMax = Math.min(callTokenCountMax, share);
    const callCountMax = sessions.callByteLengthMax / bytesOf(batchOf(indices));
    return indices.length * Math.min(Math.ceil(tokenCountMax / tokenCountOf(indices)), callCountMax);
  }

  /** Tokens that need as many bytes as a call may, if all need as many as they do together. */
  function tokensOfCall(indices: readonly number[]): number {
    if (indices.length < 2 || sessions.callByteLengthMax === Infinity) return callTokenCountMax;
    const byteLength = bytesOf(batchOf(indices));
    return Math.min(callTokenCountMax, Math.ceil((tokenCountOf(indices) * sessions.callByteLengthMax) / byteLength));
  }
}

function onLanes<T>(
  fitted: Fitted,
  { memory, withReference }: Held,
  parts: readonly T[],
  bytesOf: (part: T) => number,
): Cut<T> {
  const { specs, sessions } = fitted;
  const { laneCount } = sessions;
  const byteLengthMax = ceilingOfLanes(fitted, memory);
  const needsPlan = memory?.byteLengthMax !== undefined || (byteLengthMax < Infinity && laneCount > 1);
  if (!needsPlan) return { parts, callByteLengths: [], laneCount };
  const calls = parts.map(bytesOf);
  const limits = { calls, laneCount, byteLengthMax };
  return { parts, callByteLengths: calls, laneCount: lanesThatFit(specs, withReference, limits) };
}

/** Bytes that all lanes together may plan. */
function ceilingOfLanes({ memoryShare = Infinity }: Fitted, memory: MemorySpec | undefined): number {
  return Math.min(memory?.byteLengthMax ?? Infinity, memoryShare);
}

/** Throws MEMORY_EXCEEDED if a part does not fit; such a part is a single prompt. */
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

/** Memory of a request's computation: what is resident, and the largest calls that may run concurrently. */
export function heldBytes(
  { specs, sessions }: Fitted,
  { withReference }: Held,
  { laneCount, callByteLengths }: Cut<unknown>,
): { readonly resident: ResidentBytes; readonly calls: number } {
  const resident = residentBytes(specs, withReference, sessions.laneCount > 1 ? laneCount : 0);
  return { resident, calls: largest(callByteLengths, laneCount) };
}

/** Number of concurrent calls of an update. */
export function updateLaneCount(fitted: Fitted, { memory, withReference }: Held): number {
  const { specs, sessions } = fitted;
  const { laneCount } = sessions;
  const byteLengthMax = ceilingOfLanes(fitted, memory);
  return byteLengthMax === Infinity
    ? laneCount
    : updateLanesThatFit(specs, withReference, { laneCount, byteLengthMax });
}
