/**
 * A module's linear map by its name: its matrix, its bias and its adapter where they exist, and an optional residual.
 */
import { add, mul } from '../graph/build.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { type Layout, rows } from './layout.ts';
import type { Weights } from './parameters.ts';

/** Maps hidden states N x in to N x out in the same layout, plus an optional residual N x out. */
export function project(
  g: Graph,
  weights: Weights,
  module: string,
  x: Value,
  residual?: Value,
  layout: Layout = rows,
): Value {
  const mapped = withBias(g, weights, module, x, residual, layout);
  const adapter = weights.adapterOf(module);
  if (adapter === undefined) return mapped;
  const narrow = mul(g, layout.product(g, adapter.a, x), g.scalar(adapter.scale));
  return layout.product(g, adapter.b, narrow, mapped);
}

function withBias(
  g: Graph,
  weights: Weights,
  module: string,
  x: Value,
  residual: Value | undefined,
  layout: Layout,
): Value {
  const matrix = weights.of(`${module}.weight`);
  const bias = weights.find(`${module}.bias`);
  if (bias === undefined) return layout.product(g, matrix, x, residual);
  const mapped = layout.product(g, matrix, x, layout.bias(g, bias));
  return residual === undefined ? mapped : add(g, residual, mapped);
}
