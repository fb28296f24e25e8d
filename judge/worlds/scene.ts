/**
 * Scenes of the judge world: two coloured shapes side by side, each standing or floating, a sign on the ground, and a
 * technical defect over the whole image. Some values are easy to see, others hard (orange against red, a low float, a
 * mild defect, a small flame): a careless annotator misreads the hard ones.
 */
import type { Rng } from '../../core/rng.ts';

export const colors = ['red', 'green', 'blue', 'yellow', 'orange', 'purple'] as const;
export const shapes = ['circle', 'square', 'triangle'] as const;
export const defects = ['clean', 'noise', 'blur', 'blocks'] as const;
export const signs = ['none', 'flower', 'flame'] as const;

export type Color = (typeof colors)[number];
export type Shape = (typeof shapes)[number];
type Stance = 'stands' | 'floats-high' | 'floats-low';
export type Defect = (typeof defects)[number];
export type Sign = (typeof signs)[number];

export interface SceneObject {
  readonly color: Color;
  readonly shape: Shape;
  readonly stance: Stance;
}

export interface Scene {
  /** Left, then right. */
  readonly objects: readonly [SceneObject, SceneObject];
  readonly defect: Defect;
  /** A mild defect is hard to see. */
  readonly isMild: boolean;
  readonly sign: Sign;
  /** A small flame looks like a flower. */
  readonly isSmall: boolean;
}

/** Probabilities for a random scene; all other choices are uniform. */
export interface SceneChances {
  readonly float: number;
  readonly defect: number;
  readonly flame: number;
}

function randomObject(rng: Rng, floatChance: number): SceneObject {
  const floats = rng.chance(floatChance);
  const stance = floats ? (rng.chance(0.5) ? 'floats-high' : 'floats-low') : 'stands';
  return { color: rng.pick(colors), shape: rng.pick(shapes), stance };
}

export function randomScene(rng: Rng, chances: SceneChances): Scene {
  const objects = [randomObject(rng, chances.float), randomObject(rng, chances.float)] as const;
  const defect = rng.chance(chances.defect) ? rng.pick(['noise', 'blur', 'blocks'] as const) : 'clean';
  const isMild = rng.chance(0.5);
  const sign = rng.chance(chances.flame) ? 'flame' : rng.pick(['none', 'flower'] as const);
  return { objects, defect, isMild, sign, isSmall: rng.chance(0.5) };
}
