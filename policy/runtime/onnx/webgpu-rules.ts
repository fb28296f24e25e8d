/**
 * Rewrite rules for WebGPU (ONNX Runtime 1.30). Each rule is either required for correct results, or keeps a tensor on
 * the device that would otherwise go to the CPU and back for one op; docs/decisions/0003 has the figures.
 */
import * as b from '../../graph/build.ts';
import type { Graph, Value } from '../../graph/ir.ts';
import type { RewriteRules } from '../../graph/rewrite.ts';

export const webgpuRules: RewriteRules = {
  // Wrong on WebGPU: the second output is not 1/rms, so every gradient through the norm would be wrong.
  SimplifiedLayerNormalization: ({ graph: g, node, inputs, isRead }) => {
    if (!isRead(1)) return undefined;
    const [x, scale] = inputs as [Value, Value];
    const meanSquare = b.reduceMean(g, b.mul(g, x, x), [-1]);
    const inverse = b.reciprocal(g, b.sqrt(g, b.add(g, meanSquare, g.scalar(node.attributes['epsilon'] as number))));
    return [b.mul(g, b.mul(g, x, inverse), scale), inverse];
  },
  // Has no WebGPU kernel; MatMul of batches and Transpose have one.
  FusedMatMul: ({ graph: g, node, inputs }) => {
    const [x, y] = inputs as [Value, Value];
    const { transA, transB, alpha } = node.attributes;
    const left = transA === 1 ? transposed(g, x) : x;
    const product = b.matMul(g, left, transB === 1 ? transposed(g, y) : y);
    return [alpha === 1 ? product : b.mul(g, product, g.scalar(alpha as number))];
  },
  // Has no WebGPU kernel.
  LogSoftmax: ({ graph: g, inputs }) => {
    const [x] = inputs as [Value];
    const shifted = b.sub(g, x, b.reduceMax(g, x, [-1]));
    return [b.sub(g, shifted, b.log(g, b.reduceSum(g, b.exp(g, shifted), [-1])))];
  },
};

function transposed(g: Graph, x: Value): Value {
  const axes = x.shape.map((_, axis) => axis);
  const [rows, columns] = axes.slice(-2) as [number, number];
  return b.transpose(g, x, [...axes.slice(0, -2), columns, rows]);
}
