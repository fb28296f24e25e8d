/**
 * Rotary tables for models whose positions have several axes. A graph looks up angles by table row. With
 * one-dimensional positions, the tables are constants and the row is the position. With several axes, the tables are
 * inputs: first the rows of text, indexed by position, then one row per image token.
 */
import { required } from '../../core/assert.ts';
import type { SizedPrompt } from '../engine.ts';
import type { Graph, Value } from '../graph/ir.ts';
import type { Architecture, InputData } from './architecture.ts';
import { type Position, promptPositions } from './qwen3-vl/multimodal-rope.ts';
import { inverseFrequencies } from './rope.ts';
import type { TextConfig } from './text-config.ts';

/** float32 [rows, headSize / 2] */
export interface RotaryTables {
  readonly cosine: Value;
  readonly sine: Value;
}

/** Declares the tables as inputs; undefined if the decoder computes them from its config. */
export function declareRotaryTables(g: Graph, { ropeAxes, headSize }: TextConfig): RotaryTables | undefined {
  if (ropeAxes === undefined) return undefined;
  return {
    cosine: g.input('rotaryCosine', 'float32', ['R', headSize / 2]),
    sine: g.input('rotarySine', 'float32', ['R', headSize / 2]),
  };
}

export interface RotaryRows {
  /** [prompt][token]: table row. */
  readonly prompts: readonly (readonly number[])[];
  /** [prompt]: table row of the first token after the prompt; the next tokens use the following rows. */
  readonly nexts: readonly number[];
  /** Data of the graph's table inputs; empty if its tables are constants. */
  readonly tables: ReadonlyMap<string, InputData>;
}

/** @param length tokens per row of the batch; ONNX Runtime requires tables to be at least as long */
export function rotaryRows(
  { text, images }: Architecture,
  prompts: readonly SizedPrompt[],
  length: number,
  completionTokenCountMax: number,
): RotaryRows {
  const { ropeAxes: axes } = text;
  if (axes === undefined)
    return {
      prompts: prompts.map(({ tokenIds }) => tokenIds.map((_, index) => index)),
      nexts: prompts.map(({ tokenIds }) => tokenIds.length),
      tables: new Map(),
    };
  const positions = prompts.map((prompt) => promptPositions(prompt, images));
  const nexts = positions.map(({ next }) => next);
  const textRowCount = Math.max(length, ...nexts.map((next) => next + completionTokenCountMax));
  const rows = Array.from({ length: textRowCount }, (_, at): Position => ({ time: at, row: at, column: at }));
  const rowOf = (position: Position): number => (isText(position) ? position.time : rows.push(position) - 1);
  return {
    prompts: positions.map(({ tokens }) => tokens.map(rowOf)),
    nexts,
    tables: anglesOf({ ...text, ropeAxes: axes }, rows),
  };
}

/** Whether a text token can have the position; the first token of an image has such a position. */
const isText = ({ time, row, column }: Position): boolean => row === time && column === time;

/** Cosine and sine tables; angles in float32, as in transformers. */
function anglesOf(
  { rope, headSize, ropeAxes }: TextConfig & Required<Pick<TextConfig, 'ropeAxes'>>,
  rows: readonly Position[],
): Map<string, InputData> {
  const frequencies = inverseFrequencies(rope, headSize);
  const angles = rows.flatMap((position) =>
    ropeAxes.map((axis, pair) => Math.fround(position[axis] * required(frequencies[pair], 'a frequency a pair'))),
  );
  const table = (of: (angle: number) => number): InputData => ({
    dtype: 'float32',
    shape: [rows.length, ropeAxes.length],
    data: Float32Array.from(angles, of),
  });
  return new Map([
    ['rotaryCosine', table(Math.cos)],
    ['rotarySine', table(Math.sin)],
  ]);
}
