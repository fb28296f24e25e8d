import { describe, expect, it } from 'vitest';
import * as b from '../../../policy/graph/build.ts';
import { Graph, type Value } from '../../../policy/graph/ir.ts';
import { lifetimes } from '../../../policy/graph/lifetime.ts';
import { printGraph } from '../../../policy/graph/print.ts';
import { rewrite } from '../../../policy/graph/rewrite.ts';
import { webgpuRules } from '../../../policy/runtime/onnx/webgpu-rules.ts';
import { evaluate } from '../../support/reference-interpreter.ts';
import { mismatch } from '../../support/runtime-run.ts';
import { opCases } from './cases/all.ts';
import { type OpCase, buildCase, drawInputs } from './op-case.ts';

function withOutputs(item: OpCase): Graph {
  const { graph, outputs } = buildCase(item);
  outputs.forEach((value, index) => {
    graph.output(`y${index}`, value);
  });
  return graph;
}

describe('rewrite', () => {
  it.each(opCases.map((item) => [item.title, item] as const))(
    'preserves the results of a graph, without rules and with those of webgpu: %s',
    (_title, item) => {
      const graph = withOutputs(item);
      for (const copy of [rewrite(graph, {}), rewrite(graph, webgpuRules)]) {
        for (const sizes of item.sizes) {
          const inputs = drawInputs(item, sizes);
          const [expected, found] = [graph, copy].map((each) => evaluate(each, inputs, [...each.outputs.values()])) as [
            ReturnType<typeof evaluate>,
            ReturnType<typeof evaluate>,
          ];
          const problems = expected.map((tensor, index) => mismatch(found[index], tensor, 1e-9));
          expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
        }
      }
    },
  );

  it('replaces nodes inside loop bodies, too', () => {
    const g = new Graph('outer');
    const x = g.input('x', 'float32', [2, 2]);
    const body = new Graph('body', g);
    body.input('iteration', 'int64', []);
    const condition = body.input('condition', 'bool', []);
    const carried = body.input('carried', 'float32', [2, 2]);
    body.output('condition', b.identity(body, condition));
    body.output('carried', b.fusedMatMul(body, carried, x, { transB: true }));
    const trips = g.constant(BigInt64Array.of(3n), []);
    g.output('y', g.op('Loop', [trips, g.constant(Uint8Array.of(1), []), x], { body })[0] as Value);
    const text = printGraph(rewrite(g, webgpuRules));
    expect(text).not.toContain('FusedMatMul');
    expect(text).toContain('Transpose');
  });
});

describe('lifetimes', () => {
  it('a value ends after its last reader, an output never, and a captured value lives through the loop', () => {
    const g = new Graph('lives');
    const x = g.input('x', 'float32', [2]);
    const a = b.exp(g, x);
    const c = b.mul(g, a, a);
    g.output('c', c);
    g.output('d', b.neg(g, c));
    const ends = lifetimes(g).map(({ node, lastUsed }) => [node.op, lastUsed.map(({ name }) => name)]);
    expect(ends).toEqual([
      ['Exp', ['x']],
      ['Mul', [a.name]],
      ['Neg', []],
    ]);
  });

  it('an unused output of a node ends with the node', () => {
    const g = new Graph('split');
    const [first, second] = b.split(g, g.input('x', 'float32', [4]), 0, [1, 3]) as [Value, Value];
    g.output('first', b.neg(g, first));
    expect(lifetimes(g)[0]?.lastUsed.map(({ name }) => name)).toContain(second.name);
  });
});
