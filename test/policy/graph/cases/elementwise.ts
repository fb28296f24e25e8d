import * as b from '../../../../policy/graph/build.ts';
import type { Graph, Value } from '../../../../policy/graph/ir.ts';
import type { OpName } from '../../../../policy/graph/op-row.ts';
import { type InputSpec, type OpCase, bool, exactly, few, int, nonZero, normal, opCase, positive } from '../op-case.ts';

type Binary = (g: Graph, a: Value, b: Value) => Value;

/** Cases of a binary elementwise op: equal shapes, broadcast both ways, scalar, symbolic. */
function pairs(op: OpName, build: Binary, left: typeof normal, right: typeof normal): OpCase[] {
  const of = (title: string, x: InputSpec, y: InputSpec, sizes?: OpCase['sizes']): OpCase =>
    opCase(op, title, {
      inputs: { x, y },
      build: (g, v) => build(g, v.x, v.y),
      ...(sizes === undefined ? {} : { sizes }),
    });
  return [
    of('equal shapes', left(2, 3), right(2, 3)),
    of('a row against a column', left(1, 3), right(2, 1)),
    of('missing axes', left(3), right(2, 2, 3)),
    of('a scalar', left(2, 3), right()),
    of('symbols', left('B', 1, 3), right('S', 1), [
      { B: 2, S: 4 },
      { B: 1, S: 1 },
      { B: 3, S: 1 },
    ]),
  ];
}

function numbers(op: OpName, build: Binary, right: typeof normal = normal): OpCase[] {
  return [
    ...pairs(op, build, normal, right),
    opCase(op, 'int64', { inputs: { x: int(-9, 10, 4), y: int(1, 10, 4) }, build: (g, v) => build(g, v.x, v.y) }),
    opCase(op, 'one value twice', { inputs: { x: right(3) }, build: (g, v) => build(g, v.x, v.x) }),
  ];
}

function comparisons(op: OpName, build: Binary): OpCase[] {
  return [
    ...pairs(op, build, few, few).map((item) => ({ ...item, by: [] })),
    opCase(op, 'int64', { inputs: { x: int(0, 3, 6), y: int(0, 3, 6) }, build: (g, v) => build(g, v.x, v.y) }),
  ];
}

function single(op: OpName, build: (g: Graph, x: Value) => Value, draw: typeof normal): OpCase[] {
  return [
    opCase(op, 'a matrix', { inputs: { x: draw(2, 3) }, build: (g, v) => build(g, v.x) }),
    opCase(op, 'a scalar', { inputs: { x: draw() }, build: (g, v) => build(g, v.x) }),
    opCase(op, 'symbols', { inputs: { x: draw('B', 2) }, build: (g, v) => build(g, v.x), sizes: [{ B: 1 }, { B: 3 }] }),
  ];
}

const far = exactly('float32', [6], [-90, -20, -3, 3, 20, 90]);
const truths = (op: OpName, build: Binary): OpCase[] => pairs(op, build, bool, bool);

export const elementwiseCases: readonly OpCase[] = [
  ...numbers('Add', b.add),
  ...numbers('Sub', b.sub),
  ...numbers('Mul', b.mul),
  ...numbers('Div', b.div, nonZero),
  ...numbers('Min', b.min).filter(({ title }) => !title.endsWith('twice')),
  ...numbers('Max', b.max).filter(({ title }) => !title.endsWith('twice')),
  ...single('Neg', b.neg, normal),
  ...single('Exp', b.exp, normal),
  ...single('Log', b.log, positive),
  ...single('Sqrt', b.sqrt, positive),
  ...single('Reciprocal', b.reciprocal, nonZero),
  ...single('Sigmoid', b.sigmoid, normal),
  ...single('Tanh', b.tanh, normal),
  ...single('Erf', b.erf, normal),
  ...single('Identity', b.identity, normal),
  ...single('Gelu', (g, x) => b.gelu(g, x, 'tanh'), normal),
  ...single('Gelu', (g, x) => b.gelu(g, x, 'none'), normal).map((item) => ({
    ...item,
    title: `${item.title}, erf form`,
  })),
  opCase('Sigmoid', 'saturated', { inputs: { x: far }, build: (g, v) => b.sigmoid(g, v.x) }),
  opCase('Tanh', 'saturated', { inputs: { x: far }, build: (g, v) => b.tanh(g, v.x) }),
  opCase('Erf', 'saturated', { inputs: { x: far }, build: (g, v) => b.erf(g, v.x) }),
  opCase('Gelu', 'saturated, erf form', { inputs: { x: far }, build: (g, v) => b.gelu(g, v.x, 'none') }),
  opCase('Gelu', 'saturated', { inputs: { x: far }, build: (g, v) => b.gelu(g, v.x, 'tanh') }),
  opCase('Neg', 'int64', { inputs: { x: int(-5, 5, 4) }, build: (g, v) => b.neg(g, v.x) }),
  ...comparisons('Equal', b.equal),
  ...comparisons('Less', b.less),
  ...comparisons('LessOrEqual', b.lessOrEqual),
  ...comparisons('Greater', b.greater),
  ...truths('Equal', b.equal).map((item) => ({ ...item, title: `${item.title}, bool` })),
  ...truths('And', b.and),
  ...truths('Or', b.or),
  opCase('Not', 'a matrix', { inputs: { x: bool(2, 3) }, build: (g, v) => b.not(g, v.x) }),
  opCase('Where', 'equal shapes', {
    inputs: { c: bool(2, 3), x: normal(2, 3), y: normal(2, 3) },
    build: (g, v) => b.where(g, v.c, v.x, v.y),
  }),
  opCase('Where', 'all three broadcast', {
    inputs: { c: bool(2, 1, 1), x: normal(3, 1), y: normal(4) },
    build: (g, v) => b.where(g, v.c, v.x, v.y),
  }),
  opCase('Where', 'the condition is the largest', {
    inputs: { c: bool('B', 3), x: normal(), y: normal(1, 3) },
    build: (g, v) => b.where(g, v.c, v.x, v.y),
    sizes: [{ B: 1 }, { B: 4 }],
  }),
  opCase('Where', 'int64', {
    inputs: { c: bool(4), x: int(0, 9, 4), y: int(0, 9, 1) },
    build: (g, v) => b.where(g, v.c, v.x, v.y),
  }),
  opCase('Cast', 'float32 to int64 truncates', {
    inputs: { x: exactly('float32', [5], [-1.5, -0.5, 0, 0.5, 2.9]) },
    build: (g, v) => b.cast(g, v.x, 'int64'),
    by: [],
  }),
  opCase('Cast', 'float32 to bool', {
    inputs: { x: few(2, 4) },
    build: (g, v) => b.cast(g, v.x, 'bool'),
    by: [],
  }),
  opCase('Cast', 'bool and int64 to float32', {
    inputs: { x: bool('B', 2), y: int(-3, 3, 'B', 1) },
    build: (g, v) => [b.cast(g, v.x, 'float32'), b.cast(g, v.y, 'float32'), b.cast(g, v.x, 'int64')],
    sizes: [{ B: 1 }, { B: 2 }],
  }),
];
