/** Positions of a prompt's images among its tokens. */
import { MtrlError } from '../../core/errors.ts';
import type { SizedPrompt } from '../engine.ts';
import type { ImageReader, TokenGrid } from './architecture.ts';

export interface ImageSpan {
  /** Index of the image's first token; its other tokens follow, row by row. */
  readonly start: number;
  readonly grid: TokenGrid;
}

/** One span per image. @throws EXAMPLE_TOO_LONG if tokens and images do not match, as in a truncated prompt */
export function imageSpans({ tokenIds, images }: SizedPrompt, reader: ImageReader): ImageSpan[] {
  const spans: ImageSpan[] = [];
  let behind = 0;
  for (const image of images) {
    const grid = reader.tokenGrid(image);
    const start = tokenIds.indexOf(reader.tokenId, behind);
    spans.push({ start, grid });
    behind = start + tokenCount(grid);
    if (start < 0 || !isImage(tokenIds, start, behind, reader)) throw unfit(images.length, spans);
  }
  if (tokenIds.includes(reader.tokenId, behind)) throw unfit(images.length, spans);
  return spans;
}

export const tokenCount = ({ rowCount, columnCount }: TokenGrid): number => rowCount * columnCount;

function isImage(tokenIds: readonly number[], start: number, end: number, { tokenId }: ImageReader): boolean {
  return end <= tokenIds.length && tokenIds.slice(start, end).every((id) => id === tokenId);
}

function unfit(imageCount: number, spans: readonly ImageSpan[]): MtrlError {
  return new MtrlError('EXAMPLE_TOO_LONG', `the image tokens of a prompt do not match its ${imageCount} images`, {
    hint: `its images need ${spans.map(({ grid }) => tokenCount(grid)).join(' + ')} image tokens; was the prompt cut?`,
  });
}
