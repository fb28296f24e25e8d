/**
 * Random changes of pictures that leave their labels true. Brightness, contrast and saturation are blends as in
 * torchvision's `ColorJitter`, by factors from 1 - x to 1 + x; the size of a picture never changes.
 */
import type { Rng } from '../../core/rng.ts';
import { resizeRgb, supportedResamples } from './resample.ts';
import type { RgbImage } from './rgb-image.ts';

export interface Augmentation {
  /** Smallest share of both sides that a crop keeps; it is then resized to the picture's size. */
  readonly cropMin: number;
  /** Whether every other picture is mirrored, left to right. */
  readonly flip: boolean;
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  /** Largest standard deviation of the noise added to each sample, as a share of the range of samples. */
  readonly noise: number;
}

/** A changed copy of a picture, uint8 [height, width, 3]. The draws of one part do not depend on the other parts. */
export function augment(image: RgbImage, by: Augmentation, rng: Rng): RgbImage {
  const [side, top, left, mirrored, brightness, contrast, saturation, noise] = Array.from({ length: 8 }, () =>
    rng.uniform(),
  ) as [number, number, number, number, number, number, number, number];
  const cropped = crop(image, by.cropMin + side * (1 - by.cropMin), top, left);
  const turned = by.flip && mirrored < 0.5 ? mirror(cropped) : cropped;
  const factorOf = (spread: number, drawn: number): number => 1 + spread * (2 * drawn - 1);
  const coloured = recolour(
    turned,
    factorOf(by.brightness, brightness),
    factorOf(by.contrast, contrast),
    factorOf(by.saturation, saturation),
  );
  return by.noise === 0 ? coloured : addNoise(coloured, by.noise * noise * 255, rng);
}

/** @param share of both sides; `top` and `left` from 0 to 1 place the crop within the room that is left */
function crop(image: RgbImage, share: number, top: number, left: number): RgbImage {
  const { height, width, data } = image;
  const [rows, columns] = [height, width].map((side) => Math.max(1, Math.round(side * share))) as [number, number];
  if (rows === height && columns === width) return image;
  const firstRow = Math.floor(top * (height - rows + 1));
  const firstColumn = Math.floor(left * (width - columns + 1));
  const cut = new Uint8Array(rows * columns * 3);
  for (let row = 0; row < rows; row++) {
    const from = ((firstRow + row) * width + firstColumn) * 3;
    cut.set(data.subarray(from, from + columns * 3), row * columns * 3);
  }
  return resizeRgb({ data: cut, height: rows, width: columns }, height, width, supportedResamples.bicubic);
}

function mirror({ data, height, width }: RgbImage): RgbImage {
  const mirrored = new Uint8Array(data.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const from = (row * width + column) * 3;
      mirrored.set(data.subarray(from, from + 3), (row * width + width - 1 - column) * 3);
    }
  }
  return { data: mirrored, height, width };
}

function recolour(image: RgbImage, brightness: number, contrast: number, saturation: number): RgbImage {
  if (brightness === 1 && contrast === 1 && saturation === 1) return image;
  const { data } = image;
  const mean = brightness * meanGrey(data);
  const changed = new Uint8ClampedArray(data.length);
  for (let at = 0; at < data.length; at += 3) {
    const grey = greyAt(data, at);
    for (let i = at; i < at + 3; i++) {
      const saturated = grey + saturation * ((data[i] as number) - grey);
      changed[i] = mean + contrast * (brightness * saturated - mean);
    }
  }
  return { ...image, data: new Uint8Array(changed.buffer) };
}

/** Luma of ITU-R BT.601, as Pillow's mode L. */
const greyAt = (data: Uint8Array, at: number): number =>
  0.299 * (data[at] as number) + 0.587 * (data[at + 1] as number) + 0.114 * (data[at + 2] as number);

function meanGrey(data: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < data.length; at += 3) sum += greyAt(data, at);
  return sum / (data.length / 3);
}

/** Standard deviation of the sum of four independent bytes. */
const byteSumDeviation = Math.sqrt((4 * (256 ** 2 - 1)) / 12);
const byteSumMean = 4 * 127.5;

/** Adds nearly normal noise: each sample's is the sum of the four bytes of one word. */
function addNoise({ data, ...size }: RgbImage, deviation: number, rng: Rng): RgbImage {
  const words = new Uint32Array(data.length);
  rng.fill(words);
  const changed = new Uint8ClampedArray(data.length);
  for (let i = 0; i < data.length; i++) {
    const word = words[i] as number;
    const sum = (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24);
    changed[i] = (data[i] as number) + (deviation * (sum - byteSumMean)) / byteSumDeviation;
  }
  return { ...size, data: new Uint8Array(changed.buffer) };
}
