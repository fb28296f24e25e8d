/** Images in prompts: pixels, and the text that stands for them. */
import type { PixelValues } from '../engine.ts';

export interface PreparedImage {
  /** In the order of their tokens. */
  readonly tiles: readonly PixelValues[];
  /** What replaces the image's placeholder in the prompt. */
  readonly text: string;
}

export interface ImagePrompts {
  /** A chat template writes it where an image goes. */
  readonly placeholder: string;
  /** Ids that belong to images alone. */
  readonly tokenIds: readonly number[];
  /** Throws IMAGE_UNREADABLE. */
  prepare(encoded: Uint8Array): Promise<PreparedImage>;
}
