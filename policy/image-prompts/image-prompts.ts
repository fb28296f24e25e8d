/** Images in prompts: pixels, and the placeholder text for them. */
import type { ImageSize, PixelValues } from '../engine.ts';

export interface OutlinedImage {
  /** In the order of their tokens. */
  readonly tiles: readonly ImageSize[];
  /** What replaces the image's placeholder in the prompt. */
  readonly text: string;
}

export interface ImagePrompts {
  /** A chat template writes it where an image goes. */
  readonly placeholder: string;
  /** Ids that belong to images alone. */
  readonly tokenIds: readonly number[];
  /** What an image becomes, by the size in its file's head. Throws IMAGE_UNREADABLE. */
  outline(encoded: Uint8Array): Promise<OutlinedImage>;
  /** The tiles' pixels. Throws IMAGE_UNREADABLE. */
  pixels(encoded: Uint8Array): Promise<readonly PixelValues[]>;
}
