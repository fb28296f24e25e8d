/**
 * A module's linear map by its name: its matrix, its bias where the model has one, its adapter where it is trained with
 * one, and what is added behind it.
 */
import { add, linear, mul } from '../graph/build.ts';
import type { Graph, Value } from '../graph/ir.ts';
import type { Weights } from './parameters.ts';

/** x [N, in] -> [N, out], plus a residual [N, out] */
export function project(g: Graph, weights: Weights, module: string, x: Value, residual?: Value): Value {
  const mapped = withBias(g, weights, module, x, residual);
  const adapter = weights.adapterOf(module);
  if (adapter === undefined) return mapped;
  const narrow = mul(g, linear(g, x, adapter.a), g.scalar(adapter.scale));
  return linear(g, narrow, adapter.b, mapped);
}

function withBias(g: Graph, weights: Weights, module: string, x: Value, residual: Value | undefined): Value {
  const matrix = weights.of(`${module}.weight`);
  const bias = weights.find(`${module}.bias`);
  if (bias === undefined) return linear(g, x, matrix, residual);
  const mapped = linear(g, x, matrix, bias);
  return residual === undefined ? mapped : add(g, residual, mapped);
}
