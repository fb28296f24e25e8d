/** What the compute process holds, by plan: what stays between calls, and what one call of a graph takes beside it. */
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

/** Bytes that stay, by what they are. */
export interface ResidentBytes {
  /** Node.js, the runtime's libraries, compiled graphs. */
  readonly process: number;
  readonly weights: number;
  /** The weights of the KL term's policy. */
  readonly reference: number;
  /** The sum so far, and what each micro-batch at work gives. */
  readonly gradients: number;
  /** AdamW's first and second moments. */
  readonly m: number;
  readonly v: number;
  /** Intermediate values of an update, which the runtime keeps. */
  readonly update: number;
  /** Weights as lanes compute on them, each on a copy. */
  readonly copies: number;
}

/** Of a compute process that has loaded a small model, with room for the heap (measured 180 to 260 MB). */
const processByteLength = 300e6;

/** @param laneCount lanes at work; 0 where the runtime has none and everything is computed in place */
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
    copies: laneCount * weights,
  };
}

/** Of each call that updates some of the weights; a lane has them, their gradients and moments as copies. */
function updateByteLengths(specs: readonly ParameterSpec[], laneCount: number): readonly number[] {
  const known = updatesOf.get(specs) ?? new Map<number, readonly number[]>();
  updatesOf.set(specs, known);
  const planned =
    known.get(laneCount) ??
    bucketsOf(specs.filter(isTrained), Math.max(1, laneCount)).map((bucket) => {
      const copied = laneCount === 0 ? 0 : 4 * byteLengthOf(bucket);
      return memoryReport(adamwGraph(bucket))({}).computedByteLength + copied;
    });
  known.set(laneCount, planned);
  return planned;
}

/** Every request asks, and they stay the same for as long as the same weights learn. */
const updatesOf = new WeakMap<readonly ParameterSpec[], Map<number, readonly number[]>>();

/** How many calls of an update fit beside each other; lanes have no copies of all weights then. */
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

/** How many calls fit beside each other, whichever of them meet; one is not asked about. */
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

/** The sum of as many of the largest. */
export function largest(byteLengths: readonly number[], count: number): number {
  return [...byteLengths]
    .sort((a, b) => b - a)
    .slice(0, count)
    .reduce((sum, byteLength) => sum + byteLength, 0);
}

/** A graph as it is planned with. */
export interface GraphPlan {
  readonly graph: Graph;
  readonly memoryOf: (sizes: Sizes) => GraphMemory;
}

export function planOf(graph: Graph): GraphPlan {
  return { graph, memoryOf: memoryReport(graph) };
}

/**
 * Beside what is resident, for a call with these tensors.
 * @param loopTripCount iterations of the graph's loop, if it has one
 */
export function callByteLength(plan: GraphPlan, tensors: ReadonlyMap<string, Tensor>, loopTripCount = 0): number {
  // What the inputs say wins: T is the tokens of a training graph, and of a rollout those that its loop has made.
  const sizes = { T: loopTripCount, trips: loopTripCount, loop: loopTripCount, ...sizesFrom(plan.graph, tensors) };
  const { constantByteLength, computedByteLength } = plan.memoryOf(sizes);
  const batch = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  return batch + constantByteLength + computedByteLength;
}

/** The sizes of the symbols in the shapes of the inputs that are given. */
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

/** Throws MEMORY_EXCEEDED with the plan. */
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
