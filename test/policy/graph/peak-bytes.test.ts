import { describe, expect, it } from 'vitest';
import * as b from '../../../policy/graph/build.ts';
import { sizeOf } from '../../../policy/graph/dim.ts';
import { gradients } from '../../../policy/graph/gradient.ts';
import { Graph, type Value } from '../../../policy/graph/ir.ts';
import { peakBytes } from '../../../policy/graph/lifetime.ts';

describe('the peak memory of a graph', () => {
  it('is two values for a chain of any length', () => {
    const g = new Graph('chain');
    let x = g.input('x', 'float32', ['N']);
    for (let i = 0; i < 5; i++) x = b.exp(g, x);
    g.output('y', x);
    const memory = peakBytes(g, { N: 100 });
    expect(memory).toMatchObject({ inputByteLength: 400, constantByteLength: 0, computedByteLength: 800 });
    expect(memory.peak?.node.op).toBe('Exp');
  });

  it('includes the activations until the backward pass has read them', () => {
    const g = new Graph('layers');
    const x = g.input('x', 'float32', ['N', 8]);
    const weights = Array.from({ length: 4 }, (_, i) => g.input(`w${i}`, 'float32', [8, 8]));
    const y = weights.reduce((h, w) => b.sigmoid(g, b.linear(g, h, w)), x);
    const loss = b.reduceSum(g, y, [0, 1], false);
    const forward = peakBytes(withOutput(g, loss), { N: 1000 }).computedByteLength;
    gradients(g, loss, weights).forEach((gradient, i) => {
      g.output(`d${i}`, gradient);
    });
    const layerByteLength = 4 * 1000 * 8;
    expect(forward).toBe(2 * layerByteLength);
    // Four activations, and at least two values of one backward layer.
    expect(peakBytes(g, { N: 1000 }).computedByteLength).toBeGreaterThanOrEqual(6 * layerByteLength);
  });

  it('counts no bytes for a reshape, which keeps its shared buffer alive', () => {
    const g = new Graph('shared');
    const a = b.exp(g, g.input('x', 'float32', [4, 4]));
    const flat = b.reshape(g, a, [16]);
    const other = b.exp(g, b.exp(g, a));
    g.output('y', b.add(g, flat, b.reshape(g, other, [16])));
    // exp(x), whose buffer flat shares, and two more values of 64 bytes.
    expect(peakBytes(g, {}).computedByteLength).toBe(3 * 64);
  });

  it('adds one iteration of a loop to the values outside of it', () => {
    const g = new Graph('outer');
    const x = g.input('x', 'float32', [10]);
    const body = new Graph('body', g);
    body.input('iteration', 'int64', []);
    body.output('condition', body.input('condition', 'bool', []));
    const carried = body.input('carried', 'float32', [10]);
    body.output('carried', b.exp(body, carried));
    body.output('seen', b.neg(body, carried));
    const trips = g.constant(BigInt64Array.of(3n), []);
    const [, seen] = g.op('Loop', [trips, g.constant(Uint8Array.of(1), []), x], { body }) as [Value, Value];
    g.output('seen', seen);
    // Outside: the carried result (the stacked rows are an output); inside: iteration, condition, carried, and two results.
    expect(peakBytes(g, { trips: 3 }).computedByteLength).toBe(40 + (8 + 1 + 40) + 80);
    expect(peakBytes(g, { trips: 3 }).constantByteLength).toBe(8 + 1);
  });

  it('needs the size of every symbol', () => {
    const g = new Graph('g');
    g.output('y', b.exp(g, g.input('x', 'float32', ['B', 'S'])));
    expect(() => peakBytes(g, { B: 2 })).toThrow(/the dimension S has no size/);
  });
});

it('computes sizes of products, of sums and of symbols from loops', () => {
  expect(sizeOf('2*B*S', { B: 3, S: 5 })).toBe(30);
  expect(sizeOf('2*P+2xT', { P: 3, T: 5 })).toBe(26);
  expect(sizeOf('loop_12', { loop: 4 })).toBe(4);
});

function withOutput(g: Graph, value: Value): Graph {
  g.output('loss', value);
  return g;
}
