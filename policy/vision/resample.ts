/**
 * Pillow's `Image.resize`, to the bit: two passes of separable filters over 8-bit samples with 22-bit fixed-point
 * weights, rounded and clipped after each pass (libImaging/Resample.c). sharp's kernels differ from it by several
 * levels, which a judge that was trained on Pillow's pixels would see.
 */
import { assert } from '../../core/assert.ts';
import type { RgbImage } from './rgb-image.ts';

interface Filter {
  readonly support: number;
  readonly weigh: (x: number) => number;
}

/** By Pillow's number, as `resample` in preprocessor_config.json. */
const filters: Readonly<Record<number, Filter>> = {
  1: { support: 3, weigh: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
  2: { support: 1, weigh: (x) => Math.max(0, 1 - Math.abs(x)) },
  3: { support: 2, weigh: cubic },
};

export const supportedResamples = { lanczos: 1, bilinear: 2, bicubic: 3 } as const;

const precisionBits = 22;

export function resizeRgb(image: RgbImage, height: number, width: number, resample: number): RgbImage {
  const filter = filters[resample];
  assert(filter !== undefined, `no resampling filter ${String(resample)}`);
  // A pass whose size does not change is left out, as in Pillow.
  const horizontal = ({ data, height, width: inSize }: RgbImage): RgbImage =>
    width === inSize
      ? { data, height, width }
      : { data: pass(data, { lineCount: height, inSize, outSize: width, vertical: false }, filter), height, width };
  const vertical = ({ data, height: inSize, width }: RgbImage): RgbImage =>
    height === inSize
      ? { data, height, width }
      : { data: pass(data, { lineCount: width, inSize, outSize: height, vertical: true }, filter), height, width };
  return verticalFirst(image, height, width) ? horizontal(vertical(image)) : vertical(horizontal(image));
}

/**
 * Pillow 13 begins with the pass that shrinks much more; before, it always began with the horizontal one. Rounding
 * between the passes makes this visible by a few levels. Rule found by trying 400 pairs of sizes.
 */
function verticalFirst(image: RgbImage, height: number, width: number): boolean {
  return image.height - height > 2 * Math.max(0, image.width - width);
}

interface Pass {
  /** Rows of a horizontal pass, columns of a vertical one. */
  readonly lineCount: number;
  readonly inSize: number;
  readonly outSize: number;
  readonly vertical: boolean;
}

function pass(source: Uint8Array, { lineCount, inSize, outSize, vertical }: Pass, filter: Filter): Uint8Array {
  const target = new Uint8Array(lineCount * outSize * 3);
  const taps = Array.from({ length: outSize }, (_, i) => weightsFor(i, inSize, outSize, filter));
  // Distance in samples between neighbours along the pass, and between lines.
  const step = vertical ? lineCount * 3 : 3;
  const inLine = vertical ? 3 : inSize * 3;
  const outLine = vertical ? 3 : outSize * 3;
  for (let line = 0; line < lineCount; line++) {
    for (const [i, { first, weights }] of taps.entries()) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 1 << (precisionBits - 1);
        let at = line * inLine + first * step + channel;
        for (const weight of weights) {
          sum += (source[at] ?? 0) * weight;
          at += step;
        }
        target[line * outLine + i * step + channel] = Math.min(255, Math.max(0, sum >> precisionBits));
      }
    }
  }
  return target;
}

/** Fixed-point weights of the input samples that make output sample `i`. */
function weightsFor(
  i: number,
  inSize: number,
  outSize: number,
  { support, weigh }: Filter,
): { first: number; weights: Int32Array } {
  const scale = inSize / outSize;
  const filterScale = Math.max(scale, 1);
  const center = (i + 0.5) * scale;
  const reach = support * filterScale;
  const first = Math.max(0, Math.trunc(center - reach + 0.5));
  const end = Math.min(inSize, Math.trunc(center + reach + 0.5));
  const weights = Array.from({ length: end - first }, (_, x) => weigh((x + first - center + 0.5) / filterScale));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const fixed = weights.map((weight) => {
    const scaled = (total === 0 ? weight : weight / total) * 2 ** precisionBits;
    return Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
  });
  return { first, weights: Int32Array.from(fixed) };
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** Keys' cubic with a = -0.5. */
function cubic(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * a;
  return 0;
}
