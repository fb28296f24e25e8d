import onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import * as b from '../../../policy/graph/build.ts';
import { broadcast, product } from '../../../policy/graph/dim.ts';
import { emitOnnx } from '../../../policy/graph/emit.ts';
import { gradients } from '../../../policy/graph/gradient.ts';
import { Graph, type Value } from '../../../policy/graph/ir.ts';
import { printGraph } from '../../../policy/graph/print.ts';
import { prune } from '../../../policy/graph/prune.ts';
import { Session } from '../../../policy/runtime/onnx/session.ts';
import { runInRuntime } from '../../support/runtime-run.ts';

function sigmoidLayer(): { g: Graph; x: Value; w: Value; loss: Value } {
  const g = new Graph('layer');
  const x = g.input('x', 'float32', ['N', 2]);
  const w = g.input('w', 'float32', [3, 2]);
  const loss = b.reduceSum(g, b.sigmoid(g, b.linear(g, x, w)), [0, 1], false);
  return { g, x, w, loss };
}

describe('prints the graph that is computed', () => {
  it('a layer with its gradient', () => {
    const { g, w, loss } = sigmoidLayer();
    g.output('loss', loss);
    g.output('dW', gradients(g, loss, [w])[0] as Value);
    expect(printGraph(g)).toMatchInlineSnapshot(`
      "graph layer(x:float32[N, 2], w:float32[3, 2])
        gemm0:float32[N, 3] = Gemm(x, w) transA=0 transB=1
        sigmoid1:float32[N, 3] = Sigmoid(gemm0)
        reducesum3:float32[] = ReduceSum(sigmoid1, c2) keepdims=0
        reshape6:float32[1, 1] = Reshape(c4, c5) shape=1,1
        mul14:float32[N, 3] = Mul(sigmoid1, sigmoid1)
        sub15:float32[N, 3] = Sub(sigmoid1, mul14)
        mul16:float32[N, 3] = Mul(reshape6, sub15)
        gemm18:float32[3, 2] = Gemm(mul16, x) transA=1 transB=0
        -> loss = reducesum3
        -> dW = gemm18"
    `);
  });

  it('a loop with its body', () => {
    const g = new Graph('count');
    const limit = g.input('limit', 'int64', []);
    const body = new Graph('body', g);
    body.input('iteration', 'int64', []);
    body.input('condition', 'bool', []);
    const next = b.add(body, body.input('n', 'int64', []), body.constant(BigInt64Array.of(1n), []));
    body.output('condition', b.less(body, next, limit));
    body.output('n', next);
    const trips = g.constant(BigInt64Array.of(9n), []);
    const [n] = g.op('Loop', [trips, g.constant(Uint8Array.of(1), []), trips], { body }) as [Value];
    g.output('n', n);
    expect(printGraph(g)).toMatchInlineSnapshot(`
      "graph count(limit:int64[])
        loop9:int64[] = Loop(c6, c7, c6)
          graph body(iteration0:int64[], condition1:bool[], n2:int64[])
            add4:int64[] = Add(n2, c3)
            less5:bool[] = Less(add4, limit)
            -> condition = less5
            -> n = add4
        -> n = loop9"
    `);
  });
});

describe('does not emit what no output needs', () => {
  it('removes dead nodes and constants, and keeps the order of live ones', () => {
    const { g, x, loss } = sigmoidLayer();
    b.exp(g, b.mul(g, x, g.scalar(7)));
    g.output('loss', loss);
    const live = prune(g);
    expect(live.nodes.map(({ op }) => op)).toEqual(['Gemm', 'Sigmoid', 'ReduceSum']);
    expect(live.constants.map(({ dtype }) => dtype)).toEqual(['int64']);
  });

  it('keeps a value that only a loop body reads', async () => {
    const g = new Graph('g');
    const x = g.input('x', 'float32', [2]);
    const captured = b.exp(g, x);
    const body = new Graph('body', g);
    body.input('iteration', 'int64', []);
    body.output('condition', body.input('condition', 'bool', []));
    body.output('y', b.add(body, body.input('y', 'float32', [2]), captured));
    const trips = g.constant(BigInt64Array.of(3n), []);
    const [y] = g.op('Loop', [trips, g.constant(Uint8Array.of(1), []), x], { body }) as [Value];
    g.output('y', y);
    expect(prune(g).nodes.map(({ op }) => op)).toEqual(['Exp', 'Loop']);
    const [result] = await runInRuntime(g, [new Map([['x', { dtype: 'float32', shape: [2], data: [0, 0] }]])]);
    expect(result?.get('y')?.data).toEqual([3, 3]);
  });

  it('does not compute the gradient of the other operand', () => {
    const g = new Graph('g');
    const [x, y] = [g.input('x', 'float32', [2, 2]), g.input('y', 'float32', [2, 2])];
    const loss = b.reduceSum(g, b.matMul(g, x, y), [0, 1], false);
    g.output('dX', gradients(g, loss, [x])[0] as Value);
    expect(prune(g).nodes.filter(({ op }) => op === 'FusedMatMul')).toHaveLength(1);
  });
});

describe('merges equal computations', () => {
  it('the same op on the same values is the same value', () => {
    const { g, x } = sigmoidLayer();
    expect(b.exp(g, x)).toBe(b.exp(g, x));
    expect(b.split(g, x, 1, [1, 1])[1]).toBe(b.split(g, x, 1, [1, 1])[1]);
    expect(g.scalar(2)).toBe(g.scalar(2));
    expect(b.zeros(g, ['N', 2])).toBe(b.zeros(g, ['N', 2]));
  });

  it('a different operand order, attribute, dtype or shape makes a different value', () => {
    const { g, x } = sigmoidLayer();
    expect(b.sub(g, x, b.exp(g, x))).not.toBe(b.sub(g, b.exp(g, x), x));
    expect(b.gelu(g, x, 'tanh')).not.toBe(b.gelu(g, x, 'none'));
    expect(g.constant(Float32Array.of(1, 2), [2])).not.toBe(g.constant(Float32Array.of(1, 2), [1, 2]));
    expect(g.constant(BigInt64Array.of(0n), [])).not.toBe(g.constant(new Uint8Array(8), [8]));
  });

  it('a body shares constants with the surrounding graph, but not nodes', () => {
    const { g, x } = sigmoidLayer();
    const body = new Graph('body', g);
    expect(body.scalar(3.5)).not.toBe(g.scalar(3.5));
    expect(g.scalar(4.5)).toBe(body.scalar(4.5));
    expect(b.exp(body, x)).not.toBe(b.exp(g, x));
  });
});

describe('omits trivial moves', () => {
  it('a reduction over no axes, a reshape to the same shape, a cast to the same dtype and a concatenation of one part', () => {
    const { g, x } = sigmoidLayer();
    expect(b.reduceSum(g, x, [])).toBe(x);
    expect(b.reduceMean(g, x, [])).toBe(x);
    expect(b.reduceMax(g, x, [], false)).toBe(x);
    expect(b.reshape(g, x, ['N', 2])).toBe(x);
    expect(b.cast(g, x, 'float32')).toBe(x);
    expect(b.concat(g, [x], 0)).toBe(x);
  });
});

describe('symbolic sizes', () => {
  it('products have one normal form', () => {
    expect(product([2, 'S', 'B', 3])).toBe('6*B*S');
    expect(product(['2*S', 'B'])).toBe(product(['B', 'S', 2]));
    expect(product([])).toBe(1);
    expect(product([1, 'B'])).toBe('B');
  });

  it('a symbol broadcasts only against one and itself', () => {
    expect(broadcast(['B', 1], ['S'])).toEqual(['B', 'S']);
    expect(broadcast(['B'], [1])).toEqual(['B']);
    expect(broadcast(['B'], ['S'])).toBeUndefined();
    expect(broadcast(['B'], [3])).toBeUndefined();
  });
});

describe('outputs', () => {
  it('may name one value twice, and may be an input', async () => {
    const { g, x, w, loss } = sigmoidLayer();
    for (const [name, value] of Object.entries({ a: loss, b: loss, same: x })) g.output(name, value);
    const feeds = new Map([
      ['x', { dtype: 'float32', shape: [1, 2], data: [1, 2] } as const],
      ['w', { dtype: w.dtype, shape: [3, 2], data: [0, 0, 0, 0, 0, 0] } as const],
    ]);
    const [result] = await runInRuntime(g, [feeds]);
    expect(result?.get('same')?.data).toEqual([1, 2]);
    expect(result?.get('a')?.data).toEqual([1.5]);
    expect(result?.get('b')?.data).toEqual([1.5]);
  });

  it('the same graph gives the same bytes', () => {
    const bytes = (): Uint8Array => {
      const { g, loss } = sigmoidLayer();
      g.output('loss', loss);
      return emitOnnx(g);
    };
    expect(Buffer.compare(bytes(), bytes())).toBe(0);
  });

  it('every computed value has its shape, so that sessions find buffers to reuse at once', () => {
    const { g, w, loss } = sigmoidLayer();
    g.output('loss', loss);
    g.output('dW', gradients(g, loss, [w])[0] as Value);
    const { graph } = onnxProto.onnx.ModelProto.decode(emitOnnx(g));
    const shapes = new Map(
      graph?.valueInfo?.map(({ name, type }) => [
        name,
        type?.tensorType?.shape?.dim?.map(({ dimParam, dimValue }) => dimParam || Number(dimValue)),
      ]),
    );
    const outputs = new Set(graph?.output?.map(({ name }) => name));
    const computed = graph?.node?.flatMap(({ output }) => output ?? []).filter((name) => !outputs.has(name)) ?? [];
    expect(computed.length).toBeGreaterThan(3);
    expect([...shapes.keys()].sort()).toEqual([...computed].sort());
    expect([...shapes.values()]).toContainEqual(['N', 3]);
  });

  it('a session lists all inputs, including unused ones', async () => {
    const { g, loss } = sigmoidLayer();
    g.input('unused', 'int64', ['K']);
    g.output('loss', loss);
    const session = await Session.create(emitOnnx(g), { threadCount: 1 });
    expect(session.inputNames).toEqual(['x', 'w', 'unused']);
    await session.release();
  });
});
