/** Images in prompts: pixels, and the text that stands for them. */
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
  /** What an image of this size becomes. Throws IMAGE_UNREADABLE for one that the model does not take. */
  outline(size: ImageSize): OutlinedImage;
  /** The tiles' pixels. Throws IMAGE_UNREADABLE. */
  pixels(encoded: Uint8Array): Promise<readonly PixelValues[]>;
}
