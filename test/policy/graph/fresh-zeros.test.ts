import { expect, test } from 'vitest';
import { required } from '../../../core/assert.ts';
import { gather, sumOfSquares } from '../../../policy/graph/build.ts';
import { gradients } from '../../../policy/graph/gradient.ts';
import { Graph, type Value } from '../../../policy/graph/ir.ts';

/** Whether ONNX Runtime can compute a value before a call, as it does with constant subgraphs. */
function isConstant(graph: Graph, value: Value): boolean {
  if (value.producer === undefined) return graph.constantData(value) !== undefined;
  return value.producer.inputs.every((input) => isConstant(graph, input));
}

test('the zeros to which the gradient of a large table is added are allocated in every call, not kept between calls', () => {
  const g = new Graph('table');
  const table = g.input('table', 'float32', [10_000, 64]);
  const rows = gather(g, table, g.input('indices', 'int64', ['T']), 0);
  const gradient = required(gradients(g, sumOfSquares(g, rows), [table])[0], 'gradient');
  expect(gradient.producer?.op).toBe('ScatterElements');
  const base = required(gradient.producer?.inputs[0], 'what is added to');
  expect(base).toMatchObject({ shape: [10_000, 64], producer: { op: 'ConstantOfShape' } });
  expect(isConstant(g, base)).toBe(false);
});
