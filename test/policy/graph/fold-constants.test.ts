import { describe, expect, it } from 'vitest';
import * as b from '../../../policy/graph/build.ts';
import { foldConstants } from '../../../policy/graph/fold-constants.ts';
import { Graph, type Value } from '../../../policy/graph/ir.ts';
import { printGraph } from '../../../policy/graph/print.ts';
import { prune } from '../../../policy/graph/prune.ts';
import { runInRuntime } from '../../support/runtime-run.ts';

const vector = (g: Graph, ...values: number[]): Value => g.constant(Float32Array.from(values), [values.length]);

/** A graph with a value that depends only on constants, and an input that keeps the graph from being empty. */
function graphOf(build: (g: Graph) => Value): Graph {
  const g = new Graph('g');
  g.output('y', b.add(g, g.input('x', 'float32', []), b.reduceSum(g, build(g), [0], false)));
  g.output('folded', build(g));
  return g;
}

const opsOf = (g: Graph): string[] => prune(g).nodes.map(({ op }) => op);

describe('folds values that depend only on constants', () => {
  const folded: readonly (readonly [string, (g: Graph) => Value])[] = [
    ['the negated table of a rotation', (g) => b.neg(g, vector(g, 0.1, -2, 0))],
    ['a chain', (g) => b.div(g, b.sub(g, b.mul(g, vector(g, 0.1, 3), g.scalar(7)), vector(g, 1, 2)), g.scalar(0.3))],
    ['a number and a vector', (g) => b.add(g, g.scalar(0.2), vector(g, 1, 2, 3))],
    ['a reshape', (g) => b.reshape(g, b.reshape(g, vector(g, 1, 2, 3, 4), [2, 2]), [4])],
  ];

  it.each(folded)('%s', async (_title, build) => {
    const before = graphOf(build);
    const after = foldConstants(before);
    expect(opsOf(after)).toEqual(['ReduceSum', 'Add']);
    const inputs = [new Map([['x', { dtype: 'float32', shape: [], data: [5] } as const]])];
    // Bit-exact.
    expect(await runInRuntime(after, inputs)).toEqual(await runInRuntime(before, inputs));
  });

  it.each([
    ['an op that backends round differently', (g: Graph) => b.exp(g, vector(g, 1, 2))],
    ['whole numbers', (g: Graph) => b.cast(g, b.add(g, g.int64([1, 2]), g.int64([3, 4])), 'float32')],
    [
      'rows and columns',
      (g: Graph) => b.reshape(g, b.mul(g, vector(g, 1, 2), b.reshape(g, vector(g, 3, 4), [2, 1])), [4]),
    ],
  ])('%s is left to the backend', (_title, build) => {
    const before = graphOf(build);
    expect(opsOf(foldConstants(before)).length).toBeGreaterThan(2);
  });

  it('in the body of a loop, too', () => {
    const g = new Graph('outer');
    const body = new Graph('body', g);
    body.input('iteration', 'int64', []);
    body.output('condition', body.input('condition', 'bool', []));
    body.output('x', b.mul(body, body.input('x', 'float32', []), b.neg(body, body.scalar(2))));
    const trips = g.constant(BigInt64Array.of(3n), []);
    const [y] = g.op('Loop', [trips, g.constant(Uint8Array.of(1), []), g.input('x', 'float32', [])], { body });
    g.output('y', y as Value);
    expect(printGraph(foldConstants(g))).not.toContain('Neg');
  });
});
