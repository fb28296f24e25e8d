/** Runs a graph on a runtime with reference tensors, and compares float32 results within a tolerance. */
import { emitOnnx } from '../../policy/graph/emit.ts';
import type { ConstantData, DType, Graph } from '../../policy/graph/ir.ts';
import type { GraphRunner } from '../../policy/runtime/graph-runner.ts';
import { Session } from '../../policy/runtime/onnx/session.ts';
import type { ReferenceTensor } from './reference-tensor.ts';

/** Runs the graph once per map of inputs, in ONNX Runtime on one CPU thread. */
export async function runInRuntime(
  graph: Graph,
  runs: readonly ReadonlyMap<string, ReferenceTensor>[],
): Promise<Map<string, ReferenceTensor>[]> {
  return runOn(await Session.create(emitOnnx(graph), { threadCount: 1 }), runs);
}

/** Runs once per map of inputs, and releases the runner. */
export async function runOn(
  runner: GraphRunner,
  runs: readonly ReadonlyMap<string, ReferenceTensor>[],
): Promise<Map<string, ReferenceTensor>[]> {
  try {
    const results: Map<string, ReferenceTensor>[] = [];
    for (const inputs of runs) {
      const feeds = new Map([...inputs].map(([name, tensor]) => [name, { ...tensor, data: pack(tensor) }]));
      const outputs = await runner.run(feeds);
      results.push(
        new Map([...outputs].map(([name, { dtype, shape, data }]) => [name, { dtype, shape, data: unpack(data) }])),
      );
    }
    return results;
  } finally {
    await runner.release();
  }
}

const packers: Readonly<Record<DType, (data: readonly number[]) => ConstantData>> = {
  float32: (data) => Float32Array.from(data),
  int64: (data) => BigInt64Array.from(data, BigInt),
  bool: (data) => Uint8Array.from(data),
};

function pack(tensor: ReferenceTensor): ConstantData {
  return packers[tensor.dtype](tensor.data);
}

function unpack(data: ConstantData): number[] {
  return [...data].map(Number);
}

/** Describes how a tensor differs, or undefined: dtype, shape, then the element with the largest error. */
export function mismatch(
  found: ReferenceTensor | undefined,
  expected: ReferenceTensor,
  tolerance: number,
): string | undefined {
  if (found === undefined) return 'is missing';
  const types = [found, expected].map(({ dtype, shape }) => `${dtype}[${shape.join(', ')}]`);
  if (types[0] !== types[1]) return `is ${types[0]}, expected ${types[1]}`;
  // Cancellation inside a tensor leaves errors of the size of its largest terms, not of the element itself.
  const scale = expected.data.reduce(
    (top, value) => (Number.isFinite(value) ? Math.max(top, Math.abs(value)) : top),
    1,
  );
  for (const [flat, value] of expected.data.entries()) {
    const actual = found.data[flat];
    const isEqual = actual !== undefined && (Object.is(actual, value) || Math.abs(actual - value) <= tolerance * scale);
    if (!isEqual) return `has ${String(actual)} at ${flat}, expected ${value}`;
  }
  return undefined;
}
