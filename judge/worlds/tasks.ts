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
 * formats.ts has the tasks of other kinds.
 */
import { Rng } from '../../core/rng.ts';
import { annotate, type Annotator, captionOf, truth, type CaptionWords } from './annotator.ts';
import { asCaptioned, corrupt } from './captions.ts';
import { sketchFormat } from './formats.ts';
import { pairwiseRationale, pointwiseRationale } from './rationale.ts';
import { randomScene, type Scene } from './scene.ts';
import { isYes, preferenceOf } from './verdicts.ts';
import type { PairwiseWorldTask, PointwiseWorldTask } from './verdicts.ts';
import { isFormatWorldTask, isPairwiseWorldTask, type WorldPlace, type WorldSketch } from './world-tasks.ts';

const noCaption: CaptionWords = ['red', 'circle', 'red', 'circle'];

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
  if (isFormatWorldTask(task)) return sketchFormat(task, place, { rng, reader, annotator });
  if (isPairwiseWorldTask(task)) return sketchPairwise(task, place, rng, reader, annotator);
  return sketchPointwise(task, place, rng, reader, annotator);
}
