/** Detects the end of a rollout's row: the stop token, or a stop sequence as its last tokens. */
import * as b from '../graph/build.ts';
import type { Dim } from '../graph/dim.ts';
import type { Graph, Value } from '../graph/ir.ts';

/** State of each row, carried by the loop. */
export interface RowEnds {
  /** bool [R, 1] */
  readonly ended: Value;
  /** int64 [R, W]: the last tokens, -1 before the first; W is the longest sequence length. Absent without sequences. */
  readonly recent?: Value;
}

export interface RowEnd {
  /** State before the first token. */
  readonly start: (g: Graph, rows: Dim) => RowEnds;
  /** Declares the state as inputs of a loop body. */
  readonly declare: (body: Graph, rows: Dim) => RowEnds;
  /** State after a token. @param token int64 [R, 1], as sampled */
  readonly after: (g: Graph, token: Value, before: RowEnds) => RowEnds;
}

export function rowEnd(stopToken: Value, stopSequences: readonly (readonly number[])[] = []): RowEnd {
  const width = Math.max(0, ...stopSequences.map(({ length }) => length));
  return {
    start(g, rows) {
      const ended = b.greater(g, b.zeros(g, [rows, 1]), g.scalar(0));
      if (width === 0) return { ended };
      return { ended, recent: b.expand(g, g.constant(BigInt64Array.of(-1n), [1, 1]), [rows, width]) };
    },
    declare(body, rows) {
      const ended = body.input('ended', 'bool', [rows, 1]);
      return width === 0 ? { ended } : { ended, recent: body.input('recent', 'int64', [rows, width]) };
    },
    after(g, token, { ended, recent }) {
      const byToken = b.or(g, ended, b.equal(g, token, stopToken));
      if (recent === undefined) return { ended: byToken };
      const now = width === 1 ? token : b.concat(g, [b.slice(g, recent, 1, 1, width), token], 1);
      return { ended: b.or(g, byToken, endsIn(g, now, stopSequences)), recent: now };
    },
  };
}

/** Values of the state, in the order in which the loop carries them. */
export function carried({ ended, recent }: RowEnds): Value[] {
  return recent === undefined ? [ended] : [ended, recent];
}

/** recent int64 [R, W] -> bool [R, 1]: whether the last tokens are one of the sequences, of at most W tokens each. */
function endsIn(g: Graph, recent: Value, sequences: readonly (readonly number[])[]): Value {
  const [rows, width] = recent.shape as [Dim, number];
  const shape = [1, sequences.length, width];
  const aligned = sequences.flatMap((ids) => [...Array.from({ length: width - ids.length }, () => -1), ...ids]);
  const wanted = g.constant(BigInt64Array.from(aligned, BigInt), shape);
  const counts = g.constant(
    Float32Array.from(aligned, (id) => (id < 0 ? 0 : 1)),
    shape,
  );
  const differs = b.not(g, b.equal(g, b.reshape(g, recent, [rows, 1, width]), wanted));
  const misses = b.reduceMax(g, b.mul(g, b.cast(g, differs, 'float32'), counts), [2], false);
  return b.greater(g, b.reduceMax(g, b.sub(g, g.scalar(1), misses), [1]), g.scalar(0));
}
