/**
 * Cuts requests into calls that fit under their memory ceiling. Micro-batches decide the order of sums, so they depend on
 * the request alone and not on what else the process holds: a step that is done again is cut as it was.
 */
import type { MemorySpec, SampleRequest, TrainGroup } from '../../engine.ts';
import type { Architecture } from '../../models/architecture.ts';
import type { ParameterSpec } from '../../models/parameters.ts';
import type { TrainingGraphOptions } from '../../models/training-graph.ts';
import type { CompileOptions } from '../../runtime/graph-runner.ts';
import { callByteLength, requireFit, residentBytes, total } from './memory-plan.ts';
import { batchesOf, largestCount, microBatches } from './micro-batches.ts';
import { packGroups } from './pack-groups.ts';
import { rolloutOptions, sampleTensors } from './sample-batch.ts';
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

/** What of a request is sampled in one call: all of it, or as many prompts as fit. Throws MEMORY_EXCEEDED. */
export function sampleParts({ architecture, specs, sessions }: Fitted, request: SampleRequest): SampleRequest[] {
  const { prompts, memory } = request;
  const byteLengthMax = memory?.byteLengthMax;
  if (byteLengthMax === undefined) return [request];
  const resident = residentBytes(specs, false);
  const plan = sessions.rolloutPlan(rolloutOptions(architecture, request));
  const partOf = (from: number, count: number): SampleRequest => ({
    ...request,
    prompts: prompts.slice(from, from + count),
    promptOffset: request.promptOffset + from,
  });
  const bytesOf = (part: SampleRequest): number =>
    callByteLength(plan, sampleTensors(architecture, part), request.sampling.tokenCountMax);
  const parts: SampleRequest[] = [];
  for (let from = 0; from < prompts.length; from += parts.at(-1)?.prompts.length as number) {
    const fits = (count: number): boolean => total(resident) + bytesOf(partOf(from, count)) <= byteLengthMax;
    const part = partOf(from, largestCount(prompts.length - from, fits));
    if (part.prompts.length === 1) requireFit('rollouts', resident, bytesOf(part), byteLengthMax);
    parts.push(part);
  }
  return parts;
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
): Batch[] {
  const lengths = groups.map(({ prompt, completions }) =>
    completions.reduce((sum, { tokenIds }) => sum + tokenIds.length, prompt.tokenIds.length),
  );
  const batchOf = (indices: readonly number[]): Batch => ({
    indices,
    groups: indices.map((index) => groups[index] as TrainGroup),
  });
  const byteLengthMax = memory?.byteLengthMax;
  if (byteLengthMax === undefined) return batchesOf(microBatches(lengths)).map(batchOf);
  const resident = residentBytes(specs, withReference);
  const bytesOf = (batch: Batch): number =>
    callByteLength(
      sessions.trainingPlan({ ...options, withImages: hasImages(batch.groups) }),
      packGroups(architecture, batch.groups).tensors,
    );
  const fits = (indices: readonly number[]): boolean => total(resident) + bytesOf(batchOf(indices)) <= byteLengthMax;
  const batches = batchesOf(microBatches(lengths, { fits })).map(batchOf);
  for (const batch of batches)
    if (batch.groups.length === 1) requireFit('training', resident, bytesOf(batch), byteLengthMax);
  return batches;
}
