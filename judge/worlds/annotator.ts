/**
 * The annotator of the judge world. With both rates 0 it sees the truth; otherwise it misreads hard values (always as
 * the easy value that they resemble) and easy ones (as any value).
 */
import type { Rng } from '../../core/rng.ts';
import {
  colors,
  defects,
  shapes,
  signs,
  type Color,
  type Defect,
  type Scene,
  type SceneObject,
  type Shape,
  type Sign,
} from './scene.ts';

export interface ErrorRates {
  readonly hardErrorRate: number;
  readonly easyErrorRate: number;
}

export interface Annotator extends ErrorRates {
  /** Probability of another answer than the one that follows from the view. */
  readonly flipRate: number;
}

/** A scene as read by an annotator. */
export interface View {
  readonly colors: readonly [Color, Color];
  readonly shapes: readonly [Shape, Shape];
  readonly floats: readonly [boolean, boolean];
  readonly defect: Defect;
  readonly sign: Sign;
}

/** Caption words of a view: color and shape of the left object, then of the right. */
export type CaptionWords = readonly [Color, Shape, Color, Shape];

export function captionOf(view: View): CaptionWords {
  return [view.colors[0], view.shapes[0], view.colors[1], view.shapes[1]];
}

/** The true view of the scene. */
export function truth(scene: Scene): View {
  const [left, right] = scene.objects;
  return {
    colors: [left.color, right.color],
    shapes: [left.shape, right.shape],
    floats: [left.stance !== 'stands', right.stance !== 'stands'],
    defect: scene.defect,
    sign: scene.sign,
  };
}

/** Reads one value: a hard value may be mistaken for the easy one that it resembles, an easy value for any. */
function read<T>(rng: Rng, rates: ErrorRates, value: T, lookalike: T | undefined, all: readonly T[]): T {
  if (lookalike !== undefined) return rng.chance(rates.hardErrorRate) ? lookalike : value;
  return rng.chance(rates.easyErrorRate) ? rng.pick(all) : value;
}

const colorLookalikes: Readonly<Partial<Record<Color, Color>>> = { orange: 'red', purple: 'blue' };

function readObject(rng: Rng, rates: ErrorRates, object: SceneObject): { color: Color; shape: Shape; floats: boolean } {
  const color = read(rng, rates, object.color, colorLookalikes[object.color], colors);
  const shape = read(rng, rates, object.shape, undefined, shapes);
  const floats = object.stance !== 'stands';
  if (object.stance === 'floats-low') return { color, shape, floats: !rng.chance(rates.hardErrorRate) };
  return { color, shape, floats: rng.chance(rates.easyErrorRate) ? !floats : floats };
}

/** Draws one view of the scene. */
export function annotate(scene: Scene, rng: Rng, rates: ErrorRates): View {
  const left = readObject(rng, rates, scene.objects[0]);
  const right = readObject(rng, rates, scene.objects[1]);
  const defectLookalike = scene.defect !== 'clean' && scene.isMild ? 'clean' : undefined;
  const signLookalike = scene.sign === 'flame' && scene.isSmall ? 'flower' : undefined;
  return {
    colors: [left.color, right.color],
    shapes: [left.shape, right.shape],
    floats: [left.floats, right.floats],
    defect: read(rng, rates, scene.defect, defectLookalike, defects),
    sign: read(rng, rates, scene.sign, signLookalike, signs),
  };
}
