/** Planned memory of the compute process: what is resident between calls, and what one call of a graph adds. */
import { MtrlError } from '../../../../core/errors.ts';
import type { Sizes } from '../../../graph/dim.ts';
import type { Graph } from '../../../graph/ir.ts';
import { type GraphMemory, memoryReport } from '../../../graph/lifetime.ts';
import { type ParameterSpec, isTrained } from '../../../models/parameters.ts';
import { adamwGraph } from '../../../optimizer/adamw-graph.ts';
import type { Tensor } from '../../../runtime/graph-runner.ts';
import { largestCount } from '../packing/micro-batches.ts';
import { bucketsOf } from '../optimizer-update.ts';
import { elementCount } from '../weights.ts';

/** Resident bytes by kind. */
export interface ResidentBytes {
  /** Node.js and the runtime's libraries. */
  readonly process: number;
  readonly weights: number;
  /** Weights of the reference policy (KL term). */
  readonly reference: number;
  /** The gradient sum, and the gradients of each running micro-batch. */
  readonly gradients: number;
  /** AdamW's first and second moments. */
  readonly m: number;
  readonly v: number;
  /** Intermediate values of an update. */
  readonly update: number;
}

/** Memory of a compute process that has loaded a small model (measured: 180 to 260 MB), with room for the heap. */
const processByteLength = 300e6;

/** @param laneCount lanes in use; 0 if the runtime has none and computes in place */
export function residentBytes(
  specs: readonly ParameterSpec[],
  hasReference: boolean,
  laneCount: number,
): ResidentBytes {
  const [weights, learned] = [byteLengthOf(specs), byteLengthOf(specs.filter(isTrained))];
  return {
    process: processByteLength,
    weights,
    reference: hasReference ? weights : 0,
    gradients: (1 + Math.max(1, laneCount)) * learned,
    m: learned,
    v: learned,
    update: largest(updateByteLengths(specs, laneCount), Math.max(1, laneCount)),
  };
}

/** Bytes of each call that updates some of the weights. */
function updateByteLengths(specs: readonly ParameterSpec[], laneCount: number): readonly number[] {
  const known = updatesOf.get(specs) ?? new Map<number, readonly number[]>();
  updatesOf.set(specs, known);
  const planned =
    known.get(laneCount) ??
    bucketsOf(specs.filter(isTrained), Math.max(1, laneCount)).map(
      (bucket) => memoryReport(adamwGraph(bucket))({}).computedByteLength,
    );
  known.set(laneCount, planned);
  return planned;
}

/** Cache: every request needs these bytes, and they change only with the trained weights. */
const updatesOf = new WeakMap<readonly ParameterSpec[], Map<number, readonly number[]>>();

/** Number of an update's calls that fit concurrently. During an update, lanes hold no copies of all weights. */
export function updateLanesThatFit(
  specs: readonly ParameterSpec[],
  hasReference: boolean,
  limits: { readonly laneCount: number; readonly byteLengthMax: number },
): number {
  const kept = { ...residentBytes(specs, hasReference, 0), update: 0 };
  const calls = updateByteLengths(specs, limits.laneCount);
  return largestCount(
    Math.min(limits.laneCount, calls.length),
    (count) => total(kept) + largest(calls, count) <= limits.byteLengthMax,
  );
}

/** Number of calls that fit concurrently, whichever of them run at the same time; at least 1, which is not checked. */
export function lanesThatFit(
  specs: readonly ParameterSpec[],
  hasReference: boolean,
  limits: { readonly calls: readonly number[]; readonly laneCount: number; readonly byteLengthMax: number },
): number {
  const { calls, laneCount, byteLengthMax } = limits;
  return largestCount(
    Math.min(laneCount, calls.length),
    (count) => total(residentBytes(specs, hasReference, count)) + largest(calls, count) <= byteLengthMax,
  );
}

/** Sum of the `count` largest. */
export function largest(byteLengths: readonly number[], count: number): number {
  return [...byteLengths]
    .sort((a, b) => b - a)
    .slice(0, count)
    .reduce((sum, byteLength) => sum + byteLength, 0);
}

/** A graph with its memory report. */
export interface GraphPlan {
  readonly graph: Graph;
  readonly memoryOf: (sizes: Sizes) => GraphMemory;
}

export function planOf(graph: Graph): GraphPlan {
  return { graph, memoryOf: memoryReport(graph) };
}

/** Of a compiled graph, measured on SmolLM2-135M: 70 MB for 9,052 nodes. */
const nodeByteLength = 8e3;
/** Heap that a call needs for a byte of computed values: some gaps between them stay empty (docs/memory.md). */
const heapShare = 1.25;

/**
 * Bytes of a call with these tensors, in addition to what is resident.
 * @param loopTripCount iterations of the graph's loop, if it has one
 */
export function callByteLength(plan: GraphPlan, tensors: ReadonlyMap<string, Tensor>, loopTripCount = 0): number {
  // Sizes from the inputs take precedence: T is the token count in a training graph, the tokens sampled in a rollout.
  const sizes = { T: loopTripCount, trips: loopTripCount, loop: loopTripCount, ...sizesFrom(plan.graph, tensors) };
  const { constantByteLength, computedByteLength } = plan.memoryOf(sizes);
  const batch = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  const compiled = plan.graph.nodes.length * nodeByteLength;
  return compiled + batch + constantByteLength + Math.ceil(heapShare * computedByteLength);
}

/** Sizes of the symbols in the shapes of the given inputs. */
export function sizesFrom({ inputs }: Graph, tensors: ReadonlyMap<string, Tensor>): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const { name, shape } of inputs) {
    const tensor = tensors.get(name);
    shape.forEach((dim, axis) => {
      const size = tensor?.shape[axis];
      if (typeof dim === 'string' && size !== undefined) sizes[dim] = size;
    });
  }
  return sizes;
}

export function total(resident: ResidentBytes): number {
  return Object.values<number>({ ...resident }).reduce((sum, byteLength) => sum + byteLength, 0);
}

/** Throws MEMORY_EXCEEDED, with the planned bytes, if the call does not fit. */
export function requireFit(what: string, resident: ResidentBytes, callBytes: number, byteLengthMax: number): void {
  const needed = total(resident) + callBytes;
  if (needed <= byteLengthMax) return;
  const parts = Object.entries({ ...resident, [what]: callBytes }).filter(([, byteLength]) => byteLength > 0);
  throw new MtrlError('MEMORY_EXCEEDED', `${what} of a single prompt does not fit engine.memoryByteLengthMax`, {
    where: 'engine.memoryByteLengthMax',
    found: `${inMegabytes(byteLengthMax)}; needed ${inMegabytes(needed)}: ${parts.map(([kind, byteLength]) => `${kind} ${inMegabytes(byteLength)}`).join(', ')}`,
    hint: 'raise it, set engine.recompute, train adapters (lora) instead of all weights, or lower groupSize, tokenCountMax or the size of images',
  });
}

function inMegabytes(byteLength: number): string {
  return `${Math.ceil(byteLength / 1e6)} MB`;
}

function byteLengthOf(specs: readonly ParameterSpec[]): number {
  return specs.reduce((sum, spec) => sum + 4 * elementCount(spec), 0);
}
