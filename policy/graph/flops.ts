/** Floating-point operations of a graph's matrix products: 2 m k n for [m, k] @ [k, n]. Other ops are not counted. */
import { type Sizes, sizeOf } from './dim.ts';
import type { Graph, Node, Value } from './ir.ts';
import { prune } from './prune.ts';

/** @param loopTripCount iterations of a loop; `sizes` gives the loop's own symbols for a typical iteration */
export function flopsOf(graph: Graph, sizes: Sizes, loopTripCount = 1): number {
  return prune(graph).nodes.reduce((sum, node) => {
    if (node.body !== undefined) return sum + loopTripCount * flopsOf(node.body, sizes, loopTripCount);
    return sum + productFlops(node, sizes);
  }, 0);
}

function productFlops({ op, inputs, outputs, attributes }: Node, sizes: Sizes): number {
  if (op !== 'Gemm' && op !== 'MatMul' && op !== 'FusedMatMul') return 0;
  const [left, output] = [inputs[0] as Value, outputs[0] as Value];
  const inner = left.shape.at(attributes['transA'] === 1 ? -2 : -1) as number | string;
  return output.shape.reduce((product: number, dim) => product * sizeOf(dim, sizes), 2 * sizeOf(inner, sizes));
}
