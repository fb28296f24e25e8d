/**
 * Renders a scene as pixels. Positions, sizes and shades are drawn from the stream, so two renderings of one scene
 * differ.
 */
import { openUnit, type Rng } from '../../core/rng.ts';
import { blockify, blur } from './filters.ts';
import type { Color, Scene, SceneObject } from './scene.ts';

/** Edge in pixels; images are [32, 32, 3]. */
export const pictureSize = 32;
const groundRow = 24;
type Rgb = readonly [number, number, number];

const sky: Rgb = [0.72, 0.84, 0.93];
const ground: Rgb = [0.5, 0.42, 0.32];
const paints: Readonly<Record<Color, Rgb>> = {
  red: [0.85, 0.12, 0.12],
  green: [0.12, 0.65, 0.2],
  blue: [0.12, 0.25, 0.85],
  yellow: [0.95, 0.88, 0.15],
  orange: [0.95, 0.5, 0.1],
  purple: [0.5, 0.15, 0.75],
};

function shade(rng: Rng, base: Rgb, range: number): Rgb {
  const shift = (value: number): number => value + (rng.uniform() * 2 - 1) * range;
  return [shift(base[0]), shift(base[1]), shift(base[2])];
}

function paint(canvas: Float32Array, x: number, y: number, color: Rgb): void {
  const at = (y * pictureSize + x) * 3;
  canvas[at] = color[0];
  canvas[at + 1] = color[1];
  canvas[at + 2] = color[2];
}

function paintBackground(canvas: Float32Array, rng: Rng): void {
  const above = shade(rng, sky, 0.06);
  const below = shade(rng, ground, 0.05);
  for (let y = 0; y < pictureSize; y++) {
    for (let x = 0; x < pictureSize; x++) paint(canvas, x, y, y < groundRow ? above : below);
  }
}

/** Whether an object of this radius covers the pixel at (dx, dy) from its centre. */
function covers(shape: SceneObject['shape'], dx: number, dy: number, radius: number): boolean {
  if (shape === 'circle') return dx * dx + dy * dy <= radius * radius;
  if (Math.abs(dy) > radius) return false;
  return shape === 'square' ? Math.abs(dx) <= radius - 0.5 : Math.abs(dx) <= (dy + radius) / 2;
}

function paintObject(canvas: Float32Array, rng: Rng, object: SceneObject, middleX: number): void {
  const radius = rng.integer(4, 6);
  const centerX = middleX + rng.integer(-1, 2);
  const highY = rng.integer(6, 9);
  const centerY = { stands: groundRow - radius, 'floats-high': highY, 'floats-low': groundRow - radius - 4 }[
    object.stance
  ];
  const color = shade(rng, paints[object.color], 0.06);
  for (let dy = -radius; dy <= radius; dy++) {
    for (let dx = -radius; dx <= radius; dx++) {
      if (covers(object.shape, dx, dy, radius)) paint(canvas, centerX + dx, centerY + dy, color);
    }
  }
}

function signColor(sign: Scene['sign'], dx: number, dy: number, reach: number): Rgb | undefined {
  if (sign === 'flame') return Math.abs(dx) === Math.abs(dy) ? [0.05, 0.05, 0.05] : [0.95, 0.85, 0.1];
  const distance = Math.abs(dx) + Math.abs(dy);
  if (distance > reach) return undefined;
  return distance <= 1 ? [1, 1, 1] : [0.95, 0.6, 0.75];
}

function paintSign(canvas: Float32Array, rng: Rng, scene: Scene): void {
  if (scene.sign === 'none') return;
  const reach = scene.isSmall ? 2 : 3;
  const centerX = rng.integer(5, 27);
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      const color = signColor(scene.sign, dx, dy, reach);
      if (color !== undefined) paint(canvas, centerX + dx, 28 + dy, color);
    }
  }
}

/** Adds Gaussian noise. Both values of each Box-Muller pair are used, because this is most of a noisy image's cost. */
function addNoise(canvas: Float32Array, rng: Rng, deviation: number): void {
  for (let i = 0; i < canvas.length; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(openUnit(rng.word())));
    const angle = 2 * Math.PI * openUnit(rng.word());
    canvas[i] = (canvas[i] as number) + radius * Math.cos(angle);
    canvas[i + 1] = (canvas[i + 1] as number) + radius * Math.sin(angle);
  }
}

function applyDefect(canvas: Float32Array, rng: Rng, scene: Scene): Float32Array {
  const { defect, isMild } = scene;
  if (defect === 'noise') addNoise(canvas, rng, isMild ? 0.07 : 0.18);
  if (defect === 'blur')
    return isMild ? blur(canvas, pictureSize, 1) : blur(blur(canvas, pictureSize, 1), pictureSize, 2);
  if (defect === 'blocks') return blockify(canvas, pictureSize, isMild ? 0.55 : 1);
  return canvas;
}

/** RGB bytes [32, 32, 3], row by row. */
export function renderScene(scene: Scene, rng: Rng): Uint8Array {
  const canvas = new Float32Array(pictureSize * pictureSize * 3);
  paintBackground(canvas, rng);
  paintObject(canvas, rng, scene.objects[0], 8);
  paintObject(canvas, rng, scene.objects[1], 23);
  paintSign(canvas, rng, scene);
  const finished = applyDefect(canvas, rng, scene);
  return toBytes(finished);
}

/** Converts [0, 1] to [0, 255], clamped and rounded down. */
function toBytes(canvas: Float32Array): Uint8Array {
  const bytes = new Uint8Array(canvas.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.min(1, Math.max(0, canvas[i] as number)) * 255;
  return bytes;
}
