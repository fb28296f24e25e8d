/**
 * Positions on three axes (M-RoPE of Qwen2-VL, arXiv 2409.12191, with the axes interleaved as in Qwen3-VL). A text
 * token has the same position on all three axes; an image token's position depends on its row and column.
 */
import { z } from 'zod';
import type { SizedPrompt } from '../../engine.ts';
import type { ImageReader } from '../architecture.ts';
import { imageSpans } from '../image-spans.ts';
import { sharedRopeFields, withRopeType } from '../rope.ts';

export const ropeAxisNames = ['time', 'row', 'column'] as const;
export type RopeAxis = (typeof ropeAxisNames)[number];
export type Position = Readonly<Record<RopeAxis, number>>;

const sectionDefault = [24, 20, 20];

const multimodal = z.preprocess(
  withRopeType,
  z.strictObject({
    ...sharedRopeFields,
    rope_type: z.literal('default'),
    mrope_section: z.array(z.int().min(0)).length(3).default(sectionDefault),
    mrope_interleaved: z.literal(true).optional(),
  }),
);

/** Replaces the fields of the same names in rope.ts. */
export const multimodalRopeFields = { rope_scaling: multimodal.nullish(), rope_parameters: multimodal.nullish() };

/** Axis of each pair: time, row, column, time, row, ...; pairs after an axis's section use time. [headSize / 2] */
export function ropeAxes(
  { rope_parameters, rope_scaling }: z.infer<z.ZodObject<typeof multimodalRopeFields>>,
  headSize: number,
): RopeAxis[] {
  const section = (rope_parameters ?? rope_scaling)?.mrope_section ?? sectionDefault;
  return Array.from({ length: headSize / 2 }, (_, pair) => {
    const axis = pair % 3;
    return pair < 3 * (section[axis] ?? 0) ? (ropeAxisNames[axis] ?? 'time') : 'time';
  });
}

/** One position per token, and the next one for text after the prompt (`get_rope_index` of transformers). */
export function promptPositions(
  prompt: SizedPrompt,
  reader: ImageReader | undefined,
): { readonly tokens: readonly Position[]; readonly next: number } {
  const tokens: Position[] = [];
  let next = 0;
  const addText = (end: number): void => {
    for (; tokens.length < end; next++) tokens.push({ time: next, row: next, column: next });
  };
  for (const { start, grid } of reader === undefined ? [] : imageSpans(prompt, reader)) {
    addText(start);
    for (let row = 0; row < grid.rowCount; row++)
      for (let column = 0; column < grid.columnCount; column++)
        tokens.push({ time: next, row: next + row, column: next + column });
    next += Math.max(grid.rowCount, grid.columnCount);
  }
  addText(prompt.tokenIds.length);
  return { tokens, next };
}
