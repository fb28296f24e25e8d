import * as b from '../../../../policy/graph/build.ts';
import type { Shape } from '../../../../policy/graph/dim.ts';
import type { Value } from '../../../../policy/graph/ir.ts';
import { type OpCase, bool, exactly, int, normal, opCase } from '../op-case.ts';

const symbols = [
  { B: 2, S: 3 },
  { B: 1, S: 1 },
];

function reshapes(title: string, from: Shape, to: Shape): OpCase {
  return opCase('Reshape', title, {
    inputs: { x: normal(...from) },
    build: (g, v) => b.reshape(g, v.x, to),
    sizes: from.some((dim) => typeof dim === 'string') ? symbols : [{}],
  });
}

function gathers(title: string, table: Shape, indices: ReturnType<typeof int>, sizes: OpCase['sizes'] = [{}]): OpCase {
  return opCase('Gather', title, {
    inputs: { x: normal(...table), indices },
    build: (g, v) => b.gather(g, v.x, v.indices, 0),
    sizes,
  });
}

export const movementCases: readonly OpCase[] = [
  reshapes('fewer axes', [2, 3, 2], [6, 2]),
  reshapes('more axes', [6], [1, 2, 3]),
  reshapes('to a scalar', [1, 1], []),
  reshapes('one symbol', ['B', 4], ['B', 2, 2]),
  reshapes('symbols merged', ['B', 'S', 2], ['B*S', 2]),
  reshapes('a symbol absorbs a number', ['B', 4, 3], ['2*B', 2, 3]),
  reshapes('two symbols that stay', ['B', 'S', 4], ['B', 'S', 2, 2]),
  reshapes('two symbols that move', [2, 'B', 'S'], ['B', 'S', 2]),
  reshapes('three symbolic axes', ['B', 2, 'S', 2], ['2*B', 'S', 1, 2]),
  opCase('Reshape', 'symbols merged and parted', {
    inputs: { x: normal('B', 'S', 2) },
    build: (g, v) => b.reshape(g, b.mul(g, b.reshape(g, v.x, ['B*S', 2]), g.scalar(3)), ['B', 'S', 2]),
    sizes: symbols,
  }),
  opCase('Reshape', 'int64 and bool', {
    inputs: { x: int(0, 9, 2, 3), y: bool(2, 3) },
    build: (g, v) => [b.reshape(g, v.x, [6]), b.reshape(g, v.y, [3, 2])],
  }),

  opCase('Transpose', 'a matrix', { inputs: { x: normal(2, 3) }, build: (g, v) => b.transpose(g, v.x, [1, 0]) }),
  opCase('Transpose', 'a rotation of the axes', {
    inputs: { x: normal(2, 3, 4) },
    build: (g, v) => b.transpose(g, v.x, [2, 0, 1]),
  }),
  opCase('Transpose', 'heads', {
    inputs: { x: normal('B', 'S', 2, 3) },
    build: (g, v) => b.transpose(g, v.x, [0, 2, 1, 3]),
    sizes: symbols,
  }),

  opCase('Concat', 'three parts on axis 1', {
    inputs: { x: normal(2, 1), y: normal(2, 3), z: normal(2, 2) },
    build: (g, v) => b.concat(g, [v.x, v.y, v.z], 1),
  }),
  opCase('Concat', 'one value twice on the last axis', {
    inputs: { x: normal(2, 2) },
    build: (g, v) => b.concat(g, [v.x, v.x], -1),
  }),
  opCase('Concat', 'known sizes beside symbols', {
    inputs: { x: normal('B', 2), y: normal('B', 1) },
    build: (g, v) => b.concat(g, [v.x, v.y], 1),
    sizes: [{ B: 1 }, { B: 3 }],
  }),
  opCase('Concat', 'unknown sizes', {
    inputs: { x: normal('B', 2), y: normal('S', 2) },
    build: (g, v) => b.concat(g, [v.x, v.y], 0),
    sizes: [...symbols, { B: 0, S: 2 }],
  }),

  ...[
    [0, 0, 1],
    [0, 1, 3],
    [1, 0, 2],
    [-1, 1, 2],
  ].map(([axis = 0, start = 0, end = 0]) =>
    opCase('Slice', `axis ${axis} ${start}:${end}`, {
      inputs: { x: normal(3, 2) },
      build: (g, v) => b.slice(g, v.x, axis, start, end),
    }),
  ),
  opCase('Slice', 'beside symbols', {
    inputs: { x: normal('B', 4, 'S') },
    build: (g, v) => b.slice(g, v.x, 1, 1, 3),
    sizes: symbols,
  }),

  opCase('Split', 'uneven parts', {
    inputs: { x: normal(2, 5) },
    build: (g, v) => b.split(g, v.x, 1, [1, 3, 1]),
  }),
  opCase('Split', 'one part unused', {
    inputs: { x: normal(4, 2) },
    build: (g, v) => b.split(g, v.x, 0, [1, 2, 1]).slice(0, 2),
  }),
  opCase('Split', 'beside symbols', {
    inputs: { x: normal('B', 4) },
    build: (g, v) => b.split(g, v.x, -1, [2, 2]),
    sizes: [{ B: 1 }, { B: 3 }],
  }),

  opCase('Split', 'unknown sizes', {
    inputs: { x: normal('B', 2), y: normal('S', 2) },
    build: (g, v) => b.split(g, b.concat(g, [v.x, v.y], 0), 0, ['B', 'S']),
    sizes: symbols,
  }),

  opCase('Expand', 'ones', { inputs: { x: normal(2, 1, 3) }, build: (g, v) => b.expand(g, v.x, [2, 4, 3]) }),
  opCase('Expand', 'a scalar', { inputs: { x: normal() }, build: (g, v) => b.expand(g, v.x, [2, 3]) }),
  opCase('Expand', 'to nothing more', { inputs: { x: normal() }, build: (g, v) => b.expand(g, v.x, []) }),
  opCase('Expand', 'new axes', { inputs: { x: normal(3) }, build: (g, v) => b.expand(g, v.x, [2, 1, 3]) }),
  opCase('Expand', 'to sizes of another tensor', {
    inputs: { x: normal(1, 2), like: normal('B', 'S') },
    build: (g, v) => [b.expand(g, v.x, ['B', 'S', 2]), b.mul(g, v.like, v.like)],
    sizes: symbols,
  }),
  opCase('Expand', 'to a product of sizes', {
    inputs: { x: normal(1, 2), like: int(0, 2, 'B', 'S') },
    build: (g, v) => [b.expand(g, v.x, ['2*B*S', 2]), v.like],
    sizes: symbols,
  }),

  gathers('a vector of rows', [4, 3], int(0, 4, 5)),
  gathers('a matrix of rows', [4, 3], int(0, 4, 2, 2)),
  gathers('one row', [4, 3], int(0, 4)),
  gathers('from the end', [4, 3], int(-4, 0, 5)),
  gathers('elements of a vector', [4], int(0, 4, 3)),
  gathers('whole matrices', [3, 2, 2], int(0, 3, 4)),
  gathers('a table of one row', [1, 2], int(0, 1, 3)),
  gathers('a table too long for one-hot rows', [257, 1], int(0, 257, 6)),
  gathers('a long table, negative and repeated', [300, 2], exactly('int64', [4], [-1, 299, 0, 0])),
  gathers('a table of unknown length', ['B', 2], int(0, 2, 'S'), [
    { B: 2, S: 3 },
    { B: 5, S: 1 },
  ]),
  gathers('unknown counts', [5, 2], int(0, 5, 'B', 'S'), symbols),
  opCase('Gather', 'axis 1', {
    inputs: { x: normal(2, 4), indices: int(0, 4, 3) },
    build: (g, v) => b.gather(g, v.x, v.indices, 1),
    by: [],
  }),
  opCase('Gather', 'every row once', {
    inputs: { x: normal(3, 2) },
    build: (g, v) => {
      const [indices, inverse] = [
        [2n, 0n, 1n],
        [1n, 2n, 0n],
      ].map((rows) => g.constant(BigInt64Array.from(rows), [3]));
      return b.gatherOnce(g, v.x, indices as Value, inverse as Value);
    },
  }),
  opCase('Gather', 'int64', {
    inputs: { x: int(0, 99, 4), indices: int(0, 4, 3) },
    build: (g, v) => b.gather(g, v.x, v.indices, 0),
  }),

  opCase('GatherElements', 'one a row', {
    inputs: { x: normal(3, 4), indices: int(0, 4, 3, 1) },
    build: (g, v) => b.gatherElements(g, v.x, v.indices, 1),
  }),
  opCase('GatherElements', 'repeated, more than there are', {
    inputs: { x: normal(2, 2), indices: int(-2, 2, 2, 5) },
    build: (g, v) => b.gatherElements(g, v.x, v.indices, 1),
  }),
  opCase('GatherElements', 'axis 0, fewer columns', {
    inputs: { x: normal(3, 3), indices: int(0, 3, 2, 2) },
    build: (g, v) => b.gatherElements(g, v.x, v.indices, 0),
  }),
  opCase('GatherElements', 'the log-prob of a token, twice', {
    inputs: { x: normal('B', 'S', 4), indices: int(0, 4, 'B', 'S', 1) },
    build: (g, v) => b.add(g, b.gatherElements(g, v.x, v.indices, 2), b.gatherElements(g, v.x, v.indices, 2)),
    sizes: symbols,
  }),

  opCase('ScatterElements', 'repeated rows', {
    inputs: { base: normal(3, 2), indices: exactly('int64', [4, 2], [0, 0, 2, 2, 0, 1, 2, -1]), updates: normal(4, 2) },
    build: (g, v) => b.scatterAdd(g, v.base, v.indices, v.updates, 0),
  }),
  opCase('ScatterElements', 'axis 1, unknown rows', {
    inputs: { base: normal('B', 3), indices: int(0, 3, 'B', 2), updates: normal('B', 2) },
    build: (g, v) => b.scatterAdd(g, v.base, v.indices, v.updates, 1),
    sizes: [{ B: 1 }, { B: 3 }],
  }),

  opCase('Shape', 'symbols', {
    inputs: { x: normal('B', 3, 'S') },
    build: (g, v) => b.sizes(g, [...v.x.shape, 'B*S']),
    sizes: symbols,
    by: [],
  }),
  opCase('Shape', 'itself', { inputs: { x: normal(2, 3) }, build: (g, v) => g.op('Shape', [v.x]), by: [] }),
  opCase('ConstantOfShape', 'known sizes', { inputs: { x: normal(1) }, build: (g) => b.zeros(g, [2, 3]), by: [] }),
  opCase('ConstantOfShape', 'a scalar', { inputs: { x: normal(1) }, build: (g) => b.zeros(g, []), by: [] }),
  opCase('ConstantOfShape', 'symbols', {
    inputs: { x: normal('B', 'S') },
    build: (g) => b.zeros(g, ['S', 2, '2*B']),
    sizes: [...symbols, { B: 0, S: 1 }],
    by: [],
  }),
  opCase('OneHot', 'indices of either sign', {
    inputs: { x: exactly('int64', [2, 2], [0, 3, -1, -4]) },
    build: (g, v) => b.oneHot(g, v.x, 4),
  }),
  opCase('OneHot', 'symbols', {
    inputs: { x: int(0, 3, 'B', 'S') },
    build: (g, v) => b.oneHot(g, v.x, 3),
    sizes: symbols,
  }),
];
