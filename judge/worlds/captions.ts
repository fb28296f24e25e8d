/** Captions that fit a scene in some of their words, and scenes that fit a caption in some of theirs. */
import type { Rng } from '../../core/rng.ts';
import type { CaptionWords } from './annotator.ts';
import { colors, type Scene, shapes } from './scene.ts';

/** The caption with exactly `wrongCount` of its four words changed. */
export function corrupt(caption: CaptionWords, rng: Rng, wrongCount: number): CaptionWords {
  const words: string[] = [...caption];
  for (const at of rng.shuffle([0, 1, 2, 3]).slice(0, wrongCount)) {
    const pool: readonly string[] = at % 2 === 0 ? colors : shapes;
    words[at] = rng.pick(pool.filter((word) => word !== caption[at]));
  }
  return words as unknown as CaptionWords;
}

/** The scene with the caption's colors and shapes. */
export function asCaptioned(scene: Scene, caption: CaptionWords): Scene {
  const [left, right] = scene.objects;
  return {
    ...scene,
    objects: [
      { ...left, color: caption[0], shape: caption[1] },
      { ...right, color: caption[2], shape: caption[3] },
    ],
  };
}
