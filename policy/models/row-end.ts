/** When a row of a rollout ends: with the stop token, or once its last tokens are a stop sequence. */
import * as b from '../graph/build.ts';
import type { Dim } from '../graph/dim.ts';
import type { Graph, Value } from '../graph/ir.ts';

/** The loop carries `ended`, bool [R, 1], and behind it these values: nothing where no sequence is asked for. */
export interface RowEnd {
  readonly initial: readonly Value[];
  /** @param token int64 [R, 1], as drawn */
  after(token: Value, ended: Value): { readonly ended: Value; readonly carried: readonly Value[] };
}

/** Declares what the body carries; `ended` is declared just before. */
export function rowEnd(
  g: Graph,
  body: Graph,
  rows: Dim,
  stopToken: Value,
  stopSequences: readonly (readonly number[])[] = [],
): RowEnd {
  const byToken = (token: Value, ended: Value): Value => b.or(body, ended, b.equal(body, token, stopToken));
  if (stopSequences.length === 0)
    return { initial: [], after: (token, ended) => ({ ended: byToken(token, ended), carried: [] }) };
  // The last tokens of every row, as many as the longest sequence has; -1 before its first.
  const width = Math.max(...stopSequences.map(({ length }) => length));
  const recent = body.input('recent', 'int64', [rows, width]);
  return {
    initial: [b.expand(g, g.constant(BigInt64Array.of(-1n), [1, 1]), recent.shape)],
    after(token, ended) {
      const now = width === 1 ? token : b.concat(body, [b.slice(body, recent, 1, 1, width), token], 1);
      return { ended: b.or(body, byToken(token, ended), endsIn(body, now, stopSequences)), carried: [now] };
    },
  };
}

/** recent int64 [R, W] -> bool [R, 1]: whether its last tokens are one of the sequences, none longer than W. */
function endsIn(body: Graph, recent: Value, sequences: readonly (readonly number[])[]): Value {
  const [rows, width] = recent.shape as [Dim, number];
  const shape = [1, sequences.length, width];
  const aligned = sequences.flatMap((ids) => [...Array.from({ length: width - ids.length }, () => -1), ...ids]);
  const wanted = body.constant(BigInt64Array.from(aligned, BigInt), shape);
  const counts = body.constant(
    Float32Array.from(aligned, (id) => (id < 0 ? 0 : 1)),
    shape,
  );
  const differs = b.not(body, b.equal(body, b.reshape(body, recent, [rows, 1, width]), wanted));
  const misses = b.reduceMax(body, b.mul(body, b.cast(body, differs, 'float32'), counts), [2], false);
  return b.greater(body, b.reduceMax(body, b.sub(body, body.scalar(1), misses), [1]), body.scalar(0));
}
