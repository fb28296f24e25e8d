/**
 * Rotary tables for models whose positions have several axes. A graph looks angles up by the row of a table: where a
 * position is one number, tables are constants and the row is the position. Here they are inputs: rows of text first, row
 * by position as there, then one row a token of an image.
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

/** undefined where the decoder makes them from its config. */
export function declareRotaryTables(g: Graph, { ropeAxes, headSize }: TextConfig): RotaryTables | undefined {
  if (ropeAxes === undefined) return undefined;
  return {
    cosine: g.input('rotaryCosine', 'float32', ['R', headSize / 2]),
    sine: g.input('rotarySine', 'float32', ['R', headSize / 2]),
  };
}

export interface RotaryRows {
  /** A list a prompt: a row a token. */
  readonly prompts: readonly (readonly number[])[];
  /** One per prompt: the row of the first token after it; those of the next tokens follow. */
  readonly nexts: readonly number[];
  /** Inputs of the graph for the tables; none where it has them. */
  readonly tables: ReadonlyMap<string, InputData>;
}

/** @param length tokens of a row of the batch: tables are at least as long, as ONNX Runtime requires */
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

/** The first token of an image stands where one of text would. */
const isText = ({ time, row, column }: Position): boolean => row === time && column === time;

/** Angles in float32, as transformers computes them. */
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
