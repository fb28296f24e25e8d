/**
 * Cuts requests into calls that fit under their memory ceiling. Micro-batches decide the order of sums, so they depend on
 * the request alone and not on what else the process holds: a step that is done again is cut as it was.
 */
import type { MemorySpec, SampleRequest, TrainGroup } from '../../engine.ts';
import type { Architecture } from '../../models/architecture.ts';
import type { ParameterSpec } from '../../models/parameters.ts';
import type { TrainingGraphOptions } from '../../models/training-graph.ts';
import type { CompileOptions } from '../../runtime/graph-runner.ts';
import { callByteLength, lanesThatFit, requireFit, residentBytes, total } from './memory-plan.ts';
import { largestCount, microBatches } from './micro-batches.ts';
import { packGroups } from './pack-groups.ts';
import { type SamplePart, evenPromptCount, groupShares, rolloutOptions, sampleTensors } from './sample-batch.ts';
import type { Sessions } from './sessions.ts';

/** The model that is computed with. */
export interface Fitted {
  readonly architecture: Architecture;
  readonly specs: readonly ParameterSpec[];
  readonly sessions: Sessions;
}

/** Groups of one call of the training graph. */
export interface Batch {
  readonly groups: readonly TrainGroup[];
  /** Where each group stands in the request. */
  readonly indices: readonly number[];
}

/** Under a ceiling nothing is kept from one call for the next: what graphs take one after the other does not add up. */
export function compileOptions(memory: MemorySpec | undefined): CompileOptions {
  return memory?.byteLengthMax === undefined ? {} : { givesMemoryBack: true };
}

/** Arrays of earlier calls that nobody holds any more: they lie outside of V8's heap, which is in no hurry to collect them. */
export function dropGarbage(memory: MemorySpec | undefined): void {
  if (memory?.byteLengthMax !== undefined) globalThis.gc?.();
}

export function hasImages(groups: readonly TrainGroup[]): boolean {
  return groups.some(({ prompt }) => prompt.images.length > 0);
}

/**
 * What of a request is sampled in one call: some prompts, as many as have room among its rows and, under a ceiling, as
 * fit; or some rollouts of one. The completions of all parts in order are those of the request. Throws MEMORY_EXCEEDED.
 */
export function sampleParts(fitted: Fitted, request: SampleRequest): SamplePart[] {
  const { prompts, groupSize, promptOffset } = request;
  const shares = groupShares(groupSize);
  const partsOf = (from: number, count: number): SamplePart[] => {
    const part = { ...request, prompts: prompts.slice(from, from + count), promptOffset: promptOffset + from };
    return shares.map((share) => ({ ...part, ...share }));
  };
  const fitting = promptsThatFit(fitted, request, partsOf);
  const countMax = evenPromptCount(prompts.length, groupSize, fitted.sessions.laneCount);
  const parts: SamplePart[] = [];
  let from = 0;
  while (from < prompts.length) {
    const count = fitting(from, Math.min(countMax, prompts.length - from));
    parts.push(...partsOf(from, count));
    from += count;
  }
  return parts;
}

/** Says how many prompts from one on, of so many at most, are sampled in one call. */
function promptsThatFit(
  { architecture, specs, sessions }: Fitted,
  request: SampleRequest,
  partsOf: (from: number, count: number) => readonly SamplePart[],
): (from: number, countMax: number) => number {
  const byteLengthMax = request.memory?.byteLengthMax;
  if (byteLengthMax === undefined) return (_, countMax) => countMax;
  const resident = residentBytes(specs, false, sessions.laneCount > 1 ? 1 : 0);
  const plan = sessions.rolloutPlan(rolloutOptions(architecture, request));
  const bytesOf = (part: SamplePart): number =>
    callByteLength(plan, sampleTensors(architecture, part), part.sampling.tokenCountMax);
  return (from, countMax) => {
    const callBytes = (count: number): number => Math.max(...partsOf(from, count).map(bytesOf));
    const count = largestCount(countMax, (tried) => total(resident) + callBytes(tried) <= byteLengthMax);
    if (count === 1) requireFit('rollouts', resident, callBytes(1), byteLengthMax);
    return count;
  };
}

/** Parts that run side by side: as many as there are lanes or, under a ceiling, as fit beside each other. */
export function sampleLaneCount({ architecture, specs, sessions }: Fitted, parts: readonly SamplePart[]): number {
  const [first] = parts;
  if (first?.memory?.byteLengthMax === undefined) return sessions.laneCount;
  const plan = sessions.rolloutPlan(rolloutOptions(architecture, first));
  const calls = parts.map((part) =>
    callByteLength(plan, sampleTensors(architecture, part), part.sampling.tokenCountMax),
  );
  return lanesThatFit(specs, false, {
    calls,
    laneCount: sessions.laneCount,
    byteLengthMax: first.memory.byteLengthMax,
  });
}

/** Micro-batches: by their tokens and, under a ceiling, by what the graph takes for them. Throws MEMORY_EXCEEDED. */
export function trainingBatches(
  { architecture, specs, sessions }: Fitted,
  {
    groups,
    memory,
    withReference,
  }: { readonly groups: readonly TrainGroup[]; readonly memory?: MemorySpec; readonly withReference: boolean },
  options: Omit<TrainingGraphOptions, 'withImages'>,
): { readonly batches: Batch[]; readonly laneCount: number } {
  const lengths = groups.map(({ prompt, completions }) =>
    completions.reduce((sum, { tokenIds }) => sum + tokenIds.length, prompt.tokenIds.length),
  );
  const batchOf = (indices: readonly number[]): Batch => ({
    indices,
    groups: indices.map((index) => groups[index] as TrainGroup),
  });
  const byteLengthMax = memory?.byteLengthMax;
  const { laneCount } = sessions;
  if (byteLengthMax === undefined) return { batches: microBatches(lengths).map(batchOf), laneCount };
  const bytesOf = (batch: Batch): number =>
    callByteLength(
      sessions.trainingPlan({ ...options, withImages: hasImages(batch.groups) }),
      packGroups(architecture, batch.groups).tensors,
    );
  // As one lane holds it, however many there are: the cut decides bits.
  const oneLane = total(residentBytes(specs, withReference, 1));
  const batches = microBatches(lengths, (indices) => oneLane + bytesOf(batchOf(indices)) <= byteLengthMax).map(batchOf);
  const calls = batches.map(bytesOf);
  const needed = residentBytes(specs, withReference, laneCount > 1 ? 1 : 0);
  requireFit('training', needed, Math.max(0, ...calls), byteLengthMax);
  return { batches, laneCount: lanesThatFit(specs, withReference, { calls, laneCount, byteLengthMax }) };
}
