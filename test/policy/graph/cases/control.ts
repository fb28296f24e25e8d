import * as b from '../../../../policy/graph/build.ts';
import { Graph, type Value } from '../../../../policy/graph/ir.ts';
import { type OpCase, exactly, int, normal, opCase } from '../op-case.ts';

/** The beginning of every loop body here: an iteration counter and a condition. */
function bodyOf(g: Graph, name: string, condition: (body: Graph, before: Value) => Value): Graph {
  const body = new Graph(name, g);
  body.input('iteration', 'int64', []);
  const before = body.input('condition', 'bool', []);
  body.output('condition', condition(body, before));
  return body;
}

const always = (body: Graph, before: Value): Value => b.identity(body, before);
const go = exactly('bool', [], [1]);

export const controlCases: readonly OpCase[] = [
  opCase('Loop', 'carries, captures and stacks', {
    inputs: { trips: exactly('int64', [], [3]), go, x: normal('B', 2), step: normal(2) },
    build: (g, v) => {
      const body = bodyOf(g, 'body', always);
      const next = b.add(body, b.mul(body, body.input('x', 'float32', ['B', 2]), body.scalar(0.5)), v.step);
      body.output('x', next);
      body.output('stack', next);
      return g.op('Loop', [v.trips, v.go, v.x], { body });
    },
    sizes: [{ B: 1 }, { B: 3 }],
    by: [],
  }),
  ...[0, 1, 4].map((trips) =>
    opCase('Loop', `a carried axis grows for ${trips} trips`, {
      inputs: { trips: exactly('int64', [], [trips]), go, first: int(0, 9, 'B', 1), kept: int(0, 9, 'B', 'K') },
      build: (g, v) => {
        const body = bodyOf(g, 'body', always);
        const tokens = body.input('tokens', 'int64', ['B', 1]);
        const kept = body.input('kept', 'int64', ['B', g.freshSymbol('length')]);
        const next = b.add(body, tokens, body.int64([1]));
        body.output('tokens', next);
        body.output('kept', b.concat(body, [kept, next], 1));
        return g.op('Loop', [v.trips, v.go, v.first, v.kept], { body });
      },
      sizes: [
        { B: 2, K: 1 },
        { B: 1, K: 0 },
      ],
    }),
  ),
  opCase('Loop', 'ends early by its condition, inside another', {
    inputs: { trips: exactly('int64', [], [9]), go, x: exactly('int64', [], [1]) },
    build: (g, v) => {
      const outer = new Graph('outer', g);
      outer.input('iteration', 'int64', []);
      const before = outer.input('condition', 'bool', []);
      const x = outer.input('x', 'int64', []);
      const inner = new Graph('inner', outer);
      inner.input('iteration', 'int64', []);
      inner.input('condition', 'bool', []);
      const doubled = b.add(inner, inner.input('x', 'int64', []), x);
      inner.output('condition', b.less(inner, doubled, inner.constant(BigInt64Array.of(8n), [])));
      inner.output('x', doubled);
      const [last] = outer.op('Loop', [v.trips, before, x], { body: inner }) as [Value];
      outer.output('condition', b.less(outer, last, outer.constant(BigInt64Array.of(50n), [])));
      outer.output('x', last);
      outer.output('stack', last);
      return g.op('Loop', [v.trips, v.go, v.x], { body: outer });
    },
  }),
];
