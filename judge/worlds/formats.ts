/**
 * Examples in the formats of the other kinds, in words that the demo's tokenizer has:
 *   pair-tie       image first <image> image second <image> which fits the caption : {{ caption }} first second same ? {{ mode_word }}
 *   best-of-three  image 1 <image> image 2 <image> image 3 <image> which fits the caption : {{ caption }} ? {{ mode_word }}
 *   rank-three     the same; labels are orders of 1, 2 and 3
 *   three-criteria image <image> does it look natural ? is it sharp ? is it safe ? {{ mode_word }}
 * Each outcome is as frequent as the others: of the examples 3k to 3k + 2, each has another.
 */
import { required } from '../../core/assert.ts';
import { Rng } from '../../core/rng.ts';
import { criteriaLabel } from '../kinds/criteria-label.ts';
import { rankingLabel } from '../kinds/ranking-label.ts';
import { annotate, type Annotator, type CaptionWords, captionOf, truth, type View } from './annotator.ts';
import { asCaptioned, corrupt } from './captions.ts';
import { compared } from './rationale.ts';
import { randomScene, type Scene } from './scene.ts';
import { isYes, matchCount } from './verdicts.ts';
import type { WorldPlace, WorldSketch } from './world-tasks.ts';

export const formatWorldTasks = ['pair-tie', 'best-of-three', 'rank-three', 'three-criteria'] as const;
export type FormatWorldTask = (typeof formatWorldTasks)[number];

export const places = ['1', '2', '3'] as const;
const criteria = { natural: 'naturalness', sharp: 'technical', safe: 'safety' } as const;
export const criterionNames = Object.keys(criteria) as readonly (keyof typeof criteria)[];

const chances = { float: 0.3, defect: 0.5, flame: 0.4 };

interface Drawn {
  /** 0, 1 or 2. */
  readonly outcome: number;
  readonly rng: Rng;
  readonly reader: Rng;
  readonly annotator: Annotator;
}

const sketches: Readonly<Record<FormatWorldTask, (drawn: Drawn) => WorldSketch>> = {
  'pair-tie': (drawn) => {
    const isTie = drawn.outcome === 2;
    const tied = drawn.rng.integer(0, 3);
    const better = isTie ? [tied, tied] : [0, drawn.rng.integer(1, 3)];
    const { scenes, views, caption } = fitting(drawn, drawn.outcome === 1 ? better.reverse() : better);
    const [first = 0, second = 0] = views.map((view) => matchCount(view, caption));
    const said = first === second ? 2 : first > second ? 0 : 1;
    return {
      scenes,
      caption,
      rationale: traces(views, caption, ['first', 'second']),
      label: saidOf(drawn, said, ties),
    };
  },
  'best-of-three': (drawn) => {
    const { rng, outcome } = drawn;
    const wrong = places.map((_, place) => (place === outcome ? 0 : rng.integer(1, 3)));
    const { scenes, views, caption } = fitting(drawn, wrong);
    const [best = 0] = bestFirst(views, caption);
    return { scenes, caption, rationale: traces(views, caption, places), label: saidOf(drawn, best, places) };
  },
  'rank-three': (drawn) => {
    const { rng, reader, outcome, annotator } = drawn;
    const others = rng.chance(0.5) ? [2, 4] : [4, 2];
    const { scenes, views, caption } = fitting(drawn, [...others.slice(0, outcome), 0, ...others.slice(outcome)]);
    const order = bestFirst(views, caption);
    // A flip exchanges two neighbours.
    const at = reader.integer(0, 1);
    if (reader.chance(annotator.flipRate)) order.splice(at, 2, ...order.slice(at, at + 2).reverse());
    const label = rankingLabel(order.map((place) => required(places[place], 'a place')));
    return { scenes, caption, rationale: traces(views, caption, places), label };
  },
  'three-criteria': ({ outcome, rng, reader, annotator }) => {
    const scene = randomScene(rng, outcome === 0 ? { float: 0, defect: 0, flame: 0.4 } : chances);
    const view = annotate(scene, reader, annotator);
    const said = Object.entries(criteria).map(([name, task]) => {
      const isTrue = isYes(task, view, captionOf(view)) !== reader.chance(annotator.flipRate);
      return [name, isTrue ? 'yes' : 'no'] as const;
    });
    const stances = view.floats.map((floats) => (floats ? 'floats' : 'stands'));
    return { scenes: [scene], rationale: [view.defect, ...stances, view.sign], label: criteriaLabel(new Map(said)) };
  },
};

const ties = ['first', 'second', 'same'] as const;

export function sketchFormat(task: FormatWorldTask, place: WorldPlace, drawn: Omit<Drawn, 'outcome'>): WorldSketch {
  const { seed, split, index } = place;
  const shuffled = new Rng('judge-world', seed, task, split, 'outcomes', Math.floor(index / 3)).shuffle([0, 1, 2]);
  return sketches[task]({ ...drawn, outcome: required(shuffled[index % 3], 'an outcome') });
}

/** A caption, and for each count a scene that contradicts so many of its words, with the annotator's view of it. */
function fitting({ rng, reader, annotator }: Drawn, wrongCounts: readonly number[]) {
  const caption: CaptionWords = captionOf(truth(randomScene(rng, chances)));
  const scenes = wrongCounts.map((count): Scene =>
    asCaptioned(randomScene(rng, chances), corrupt(caption, rng, count)),
  );
  return { caption, scenes, views: scenes.map((scene) => annotate(scene, reader, annotator)) };
}

/** Places by how many of the caption's words fit; an undecided annotator names the earlier one first. */
function bestFirst(views: readonly View[], caption: CaptionWords): number[] {
  const counts = views.map((view) => matchCount(view, caption));
  return counts
    .map((_, place) => place)
    .sort((a, b) => required(counts[b], 'a count') - required(counts[a], 'a count'));
}

/** What the annotator says instead of the answer, at its rate of flips: any other answer. */
function saidOf({ reader, annotator }: Drawn, answer: number, labels: readonly string[]): string {
  const others = labels.filter((_, i) => i !== answer);
  return reader.chance(annotator.flipRate) ? reader.pick(others) : required(labels[answer], 'a label');
}

function traces(views: readonly View[], caption: CaptionWords, names: readonly string[]): string[] {
  return views.flatMap((view, i) => {
    return [required(names[i], 'a name'), ...compared(view, caption), String(matchCount(view, caption))];
  });
}
