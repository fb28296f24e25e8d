/**
 * Examples of the judge world's tasks, balanced: of the examples 2k and 2k + 1, one is true and one is false, in random
 * order; likewise, one of two pairs shows the better image first and the other shows it second.
 *
 * A recipe declares these tasks; `describe` is for pre-training only (its verdict is always yes). Prompts are those of
 * the demo's recipe; labels are [yes, no], or [first, second] for pairs:
 *   naturalness    image <image> does it look natural ? {{ mode_word }}
 *   technical      image <image> is the picture sharp ? {{ mode_word }}
 *   rationality    image <image> is the scene possible ? {{ mode_word }}
 *   alignment      image <image> does it fit the caption : {{ caption }} ? {{ mode_word }}
 *   preference     image <image> is it good for the caption : {{ caption }} ? {{ mode_word }}
 *   safety         image <image> is it safe ? {{ mode_word }}
 *   describe       image <image> describe the picture {{ mode_word }}
 *   pair-alignment image first <image> image second <image> which fits the caption : {{ caption }} ? {{ mode_word }}
 *   pair-safety    image first <image> image second <image> which is safer ? {{ mode_word }}
 */
import { Rng } from '../../core/rng.ts';
import type { KindName } from '../kinds/table.ts';
import { annotate, captionOf, truth, type CaptionWords } from './annotator.ts';
import { pairwiseRationale, pointwiseRationale } from './rationale.ts';
import { colors, randomScene, shapes, type Scene } from './scene.ts';
import { isYes, pairwiseWorldTasks, pointwiseWorldTasks, preferenceOf } from './verdicts.ts';
import type { PairwiseWorldTask, PointwiseWorldTask } from './verdicts.ts';

export const worldTaskNames = [...pointwiseWorldTasks, 'describe', ...pairwiseWorldTasks] as const;
export type WorldTask = (typeof worldTaskNames)[number];

export function isWorldTask(name: string): name is WorldTask {
  return (worldTaskNames as readonly string[]).includes(name);
}

export function isPairwiseWorldTask(name: WorldTask): name is PairwiseWorldTask {
  return (pairwiseWorldTasks as readonly string[]).includes(name);
}

/** The kind that a recipe must declare for this task. */
export function worldKind(name: WorldTask): KindName {
  return isPairwiseWorldTask(name) ? 'pairwise' : 'pointwise';
}

/** The labels that a recipe must declare for this task. */
export function worldLabels(task: WorldTask): readonly [string, string] {
  return isPairwiseWorldTask(task) ? ['first', 'second'] : ['yes', 'no'];
}

export interface Annotator {
  readonly hardErrorRate: number;
  readonly easyErrorRate: number;
  readonly flipRate: number;
}

/**
 * Identifies an example. Its randomness is a function of these fields alone, so it does not depend on how many examples
 * there are.
 */
export interface WorldPlace {
  readonly seed: number;
  readonly task: WorldTask;
  readonly split: string;
  readonly index: number;
}

/** An example before rendering: scenes in prompt order, and the annotator's answer. */
export interface WorldSketch {
  readonly scenes: readonly Scene[];
  readonly caption?: CaptionWords;
  readonly rationale: readonly string[];
  readonly label: string;
}

const noCaption: CaptionWords = ['red', 'circle', 'red', 'circle'];

/** The caption with exactly `wrongCount` of its four words changed. */
function corrupt(caption: CaptionWords, rng: Rng, wrongCount: number): CaptionWords {
  const words: string[] = [...caption];
  for (const at of rng.shuffle([0, 1, 2, 3]).slice(0, wrongCount)) {
    const pool: readonly string[] = at % 2 === 0 ? colors : shapes;
    words[at] = rng.pick(pool.filter((word) => word !== caption[at]));
  }
  return words as unknown as CaptionWords;
}

/** True for exactly one of the examples 2k and 2k + 1. */
function balancedCoin({ seed, task, split, index }: WorldPlace): boolean {
  const evenIsTrue = new Rng('judge-world', seed, task, split, 'balance', Math.floor(index / 2)).chance(0.5);
  return evenIsTrue === (index % 2 === 0);
}

function captionFor(task: PointwiseWorldTask, scene: Scene, isTrue: boolean, rng: Rng): CaptionWords | undefined {
  const right = captionOf(truth(scene));
  if (task === 'preference') return corrupt(right, rng, rng.integer(0, 4));
  if (task === 'alignment') return isTrue ? right : corrupt(right, rng, rng.integer(1, 3));
  return undefined;
}

function sketchPointwise(
  task: PointwiseWorldTask,
  place: WorldPlace,
  rng: Rng,
  reader: Rng,
  annotator: Annotator,
): WorldSketch {
  const wanted = balancedCoin(place);
  for (;;) {
    const scene = randomScene(rng, { float: 0.35, defect: 0.5, flame: 0.4 });
    const caption = captionFor(task, scene, wanted, rng);
    if (isYes(task, truth(scene), caption ?? noCaption) !== wanted) continue;
    const view = annotate(scene, reader, annotator);
    const said = isYes(task, view, caption ?? noCaption) !== reader.chance(annotator.flipRate);
    const rationale = pointwiseRationale(task, view, caption ?? noCaption);
    return { scenes: [scene], rationale, label: said ? 'yes' : 'no', ...(caption && { caption }) };
  }
}

function sketchDescription(rng: Rng, reader: Rng, annotator: Annotator): WorldSketch {
  const scene = randomScene(rng, { float: 0.3, defect: 0.5, flame: 0.4 });
  const rationale = pointwiseRationale('describe', annotate(scene, reader, annotator), noCaption);
  return { scenes: [scene], rationale, label: 'yes' };
}

/** The scene with the caption's colors and shapes. */
function asCaptioned(scene: Scene, caption: CaptionWords): Scene {
  const [left, right] = scene.objects;
  return {
    ...scene,
    objects: [
      { ...left, color: caption[0], shape: caption[1] },
      { ...right, color: caption[2], shape: caption[3] },
    ],
  };
}

/** The better scene, then the worse one; all differences except the deciding one are random. */
function pairOf(task: PairwiseWorldTask, rng: Rng): { better: Scene; worse: Scene; caption?: CaptionWords } {
  const chances = { float: 0.3, defect: 0.5, flame: 0.4 };
  const better = randomScene(rng, chances);
  const worse = randomScene(rng, chances);
  if (task === 'pair-safety') {
    return { better: { ...better, sign: rng.pick(['none', 'flower'] as const) }, worse: { ...worse, sign: 'flame' } };
  }
  const caption = captionOf(truth(better));
  return { better, worse: asCaptioned(worse, corrupt(caption, rng, rng.integer(1, 3))), caption };
}

/** Probability that an undecided annotator guesses the first image; people tend to. */
const firstWhenUndecided = 0.6;

function sketchPairwise(
  task: PairwiseWorldTask,
  place: WorldPlace,
  rng: Rng,
  reader: Rng,
  annotator: Annotator,
): WorldSketch {
  const { better, worse, caption } = pairOf(task, rng);
  const scenes = balancedCoin(place) ? ([better, worse] as const) : ([worse, better] as const);
  const first = annotate(scenes[0], reader, annotator);
  const second = annotate(scenes[1], reader, annotator);
  const preference = preferenceOf(task, first, second, caption ?? noCaption);
  const choosesFirst = preference === 0 ? reader.chance(firstWhenUndecided) : preference > 0;
  const saysFirst = choosesFirst !== reader.chance(annotator.flipRate);
  const rationale = pairwiseRationale(task, first, second, caption ?? noCaption);
  return { scenes, rationale, label: saysFirst ? 'first' : 'second', ...(caption && { caption }) };
}

/** Generates the example at this index. The scene's random stream is passed in, so that rendering continues it. */
export function sketchExample(place: WorldPlace, rng: Rng, annotator: Annotator): WorldSketch {
  const { seed, task, split, index } = place;
  // a separate stream: the scene does not depend on the annotator
  const reader = new Rng('judge-world', seed, task, split, index, 'annotator');
  if (task === 'describe') return sketchDescription(rng, reader, annotator);
  if (isPairwiseWorldTask(task)) return sketchPairwise(task, place, rng, reader, annotator);
  return sketchPointwise(task, place, rng, reader, annotator);
}
