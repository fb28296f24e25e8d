/**
 * Attention of packed groups. The rest of the decoder works on one flat list of T tokens without padding: B prompts,
 * each followed by its G completions. Only attention arranges tokens in cells: P per prompt, C per completion. A
 * completion attends to its prompt's cells and to its own, so a group's completions have G C (P + C) scores, and a
 * prompt and its images are computed once (docs/engine.md).
 */
import * as b from '../graph/build.ts';
import { product } from '../graph/dim.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { attend } from './attention.ts';
import type { TextConfig } from './text-config.ts';

/** Graph inputs that map tokens to cells, and the gather indices computed from them once for all layers. */
export interface Cells {
  /** float32 [B, 1, P]: 0, or very negative at padding. */
  readonly promptBias: Value;
  /** float32 [P, P] and [C, C]: 0, or very negative where the key comes after the query. */
  readonly promptOrder: Value;
  readonly completionOrder: Value;
  /** Gather indices for a number of heads. */
  readonly rowsOf: (headCount: number) => HeadRows;
}

/** Gather indices between the rows of a matrix [T*heads, d] and cells. */
interface HeadRows {
  /** int64 [heads, S]: the row of each of the S = B P + B G C cells. */
  readonly ofCells: Value;
  /** int64 [T*heads]: the cell of each row. */
  readonly ofTokens: Value;
}

const promptCellCount = product(['B', 'P']);
const completionCellCount = product(['B', 'G', 'C']);

/**
 * Inputs: promptCells int64 [B, P] and completionCells int64 [B, G, C], the token in each cell (padding: a token that
 * is in no group); tokenCells int64 [T], a cell of each token, prompt cells numbered first; the biases of Cells.
 */
export function declareCells(g: Graph): Cells {
  const promptCells = g.input('promptCells', 'int64', ['B', 'P']);
  const completionCells = g.input('completionCells', 'int64', ['B', 'G', 'C']);
  const tokenCells = g.input('tokenCells', 'int64', ['T']);
  const cells = b.concat(
    g,
    [b.reshape(g, promptCells, [promptCellCount]), b.reshape(g, completionCells, [completionCellCount])],
    0,
  );
  const cellCount = cells.shape[0] as string;
  return {
    promptBias: g.input('promptBias', 'float32', ['B', 1, 'P']),
    promptOrder: g.input('promptOrder', 'float32', ['P', 'P']),
    completionOrder: g.input('completionOrder', 'float32', ['C', 'C']),
    rowsOf(headCount) {
      const heads = Array.from({ length: headCount }, (_, head) => BigInt(head));
      const column = g.constant(BigInt64Array.from(heads), [headCount, 1]);
      const row = g.constant(BigInt64Array.from(heads), [1, headCount]);
      const ofCells = b.add(g, b.mul(g, b.reshape(g, cells, [1, cellCount]), g.int64([headCount])), column);
      const ofTokens = b.add(g, b.reshape(g, tokenCells, ['T', 1]), b.mul(g, row, b.sizes(g, [cellCount])));
      return { ofCells, ofTokens: b.reshape(g, ofTokens, [product(['T', headCount])]) };
    },
  };
}

/** q [T, H, 1, d]; k and v [T, K, 1, d] with K key/value heads. Returns [T, H, 1, d]. */
export function packedAttention(g: Graph, text: TextConfig, cells: Cells) {
  const { headCount, keyValueHeadCount, headSize } = text;
  const [queryRows, keyRows] = [cells.rowsOf(headCount), cells.rowsOf(keyValueHeadCount)];
  return (q: Value, k: Value, v: Value): Value => {
    const query = layOut(g, q, queryRows);
    const key = layOut(g, k, keyRows).map((x) => repeatKeyHeads(g, x, headCount / keyValueHeadCount));
    const value = layOut(g, v, keyRows).map((x) => repeatKeyHeads(g, x, headCount / keyValueHeadCount));
    const [q0, q1] = query as [Value, Value];
    const [k0, k1] = key as [Value, Value];
    const [v0, v1] = value as [Value, Value];
    const prompts = attend(g, q0, k0, v0, cells.promptOrder);
    const completions = attendTwice(
      g,
      q1,
      { k: k0, v: v0, bias: cells.promptBias },
      { k: k1, v: v1, bias: cells.completionOrder },
    );
    const joined = b.concat(
      g,
      [
        b.reshape(g, prompts, [headCount, promptCellCount, headSize]),
        b.reshape(g, completions, [headCount, completionCellCount, headSize]),
      ],
      1,
    );
    const flat = b.reshape(g, joined, [product([headCount, joined.shape[1] as string]), headSize]);
    const inCells = b.reshape(g, queryRows.ofCells, [product([headCount, joined.shape[1] as string])]);
    return b.reshape(g, b.gatherOnce(g, flat, queryRows.ofTokens, inCells), ['T', headCount, 1, headSize]);
  };
}

/** [T, heads, 1, d] -> prompts [heads, B, P, d] and completions [heads, B, G*C, d] */
function layOut(g: Graph, x: Value, rows: HeadRows): Value[] {
  const [, headCount, , headSize] = x.shape as [string, number, number, number];
  const flat = b.reshape(g, x, [product(['T', headCount]), headSize]);
  const all = b.gatherOnce(g, flat, rows.ofCells, rows.ofTokens);
  const [prompts, completions] = b.split(g, all, 1, [promptCellCount, completionCellCount]) as [Value, Value];
  return [
    b.reshape(g, prompts, [headCount, 'B', 'P', headSize]),
    b.reshape(g, completions, [headCount, 'B', product(['G', 'C']), headSize]),
  ];
}

/** [K, B, S, d] -> [K*times, B, S, d] */
function repeatKeyHeads(g: Graph, x: Value, times: number): Value {
  if (times === 1) return x;
  const [headCount, ...rest] = x.shape as [number, ...(number | string)[]];
  const wide = b.expand(g, b.reshape(g, x, [headCount, 1, ...rest]), [headCount, times, ...rest]);
  return b.reshape(g, wide, [headCount * times, ...rest]);
}

interface Keys {
  readonly k: Value;
  readonly v: Value;
  readonly bias: Value;
}

/**
 * One softmax over two sets of keys without concatenating them: each completion's prompt [H, B, P, d] and its own
 * tokens [H, B, G*C, d], for the queries q [H, B, G*C, d].
 */
function attendTwice(g: Graph, q: Value, prompt: Keys, own: Keys): Value {
  const [headCount, , , headSize] = q.shape as [number, string, string, number];
  const alpha = 1 / Math.sqrt(headSize);
  const apart = (x: Value, width: number): Value => b.reshape(g, x, [product([headCount, 'B', 'G']), 'C', width]);
  const together = (x: Value, width: number): Value => b.reshape(g, x, [headCount, 'B', product(['G', 'C']), width]);
  const promptScores = b.add(g, b.fusedMatMul(g, q, prompt.k, { transB: true, alpha }), prompt.bias);
  const ownProducts = b.fusedMatMul(g, apart(q, headSize), apart(own.k, headSize), { transB: true, alpha });
  const ownScores = b.add(g, ownProducts, own.bias);
  // Subtracted in numerator and denominator: it cancels out, and needs no gradient.
  const ceiling = b.detach(g, b.max(g, b.reduceMax(g, promptScores, [3]), together(b.reduceMax(g, ownScores, [2]), 1)));
  const promptWeights = b.exp(g, b.sub(g, promptScores, ceiling));
  const ownWeights = b.exp(g, b.sub(g, ownScores, apart(ceiling, 1)));
  const total = b.add(g, b.reduceSum(g, promptWeights, [3]), together(b.reduceSum(g, ownWeights, [2]), 1));
  const ownMixed = b.matMul(g, ownWeights, apart(own.v, headSize));
  return b.div(g, b.add(g, b.matMul(g, promptWeights, prompt.v), together(ownMixed, headSize)), total);
}
