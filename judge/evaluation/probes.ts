/**
 * Probes: the same examples with one change. A judge of the images must answer some changes differently (blank, swapped
 * or missing image; mismatched caption) and others alike (label order, paraphrase, longer answer). A probe is refused,
 * with the reason, if a task has nothing to change.
 */
import { literalPattern } from '../../core/literal-pattern.ts';
import { withoutImages } from '../tasks/image-marks.ts';
import { Rng } from '../../core/rng.ts';
import type { EvaluationSpec, ProbeName } from '../../recipes/fields/evaluation-fields.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { Example } from '../example.ts';
import { kindOf } from '../kinds/table.ts';

/** A changed example with its task; the example's label is not used. */
export interface Asked {
  readonly example: Example;
  readonly spec: TaskSpec;
  /** Whether every image is replaced by a blank one of its size. */
  readonly isBlank: boolean;
  /** Examples that are shown with their answers before this one. */
  readonly shots?: readonly Example[];
}

export interface ProbeRequest {
  readonly task: string;
  readonly spec: TaskSpec;
  /** Examples as displayed: a pair in its other order is a separate example. */
  readonly examples: readonly Example[];
  /** Examples of the same task and split that supply replacement images or texts. */
  readonly pool: readonly Example[];
  readonly settings: Pick<EvaluationSpec, 'seed' | 'paraphrases' | 'longerAnswer'>;
}

interface Refusal {
  readonly refused: string;
}

type Probe = (request: ProbeRequest) => readonly Asked[] | Refusal;

/** The changed examples in example order, or the reason why the probe was refused. */
export function askProbe(name: ProbeName, request: ProbeRequest): readonly Asked[] | Refusal {
  return probes[name](request);
}

export function isRefusal(asked: readonly Asked[] | Refusal): asked is Refusal {
  return 'refused' in asked;
}

const noImages: Refusal = { refused: 'the task has no images' };

const probes: Readonly<Record<ProbeName, Probe>> = {
  'blank-image': ({ examples, spec }) =>
    showsImages(examples) ? examples.map((example) => ({ example, spec, isBlank: true })) : noImages,
  'missing-image': ({ examples, spec }) => {
    if (!showsImages(examples)) return noImages;
    const textSpec = { ...spec, prompt: spec.prompt.replaceAll('<image>', ' ') };
    return examples.map((example) => ({ example: withoutImages(example), spec: textSpec, isBlank: false }));
  },
  'swapped-image': (request) => {
    if (!showsImages(request.examples)) return noImages;
    const donorOf = donors(request, 'images', ({ images }) => images.join());
    return withDonors(request, donorOf, 'image', (example, { images }) => ({ ...example, images }));
  },
  'caption-mismatch': (request) => {
    const textOf = ({ fields }: Example): string => JSON.stringify(Object.entries(fields).sort());
    if (request.examples.every(({ fields }) => Object.keys(fields).length === 0))
      return { refused: 'the prompt uses no text of the examples' };
    const donorOf = donors(request, 'fields', textOf);
    return withDonors(request, donorOf, 'text', (example, { fields }) => ({ ...example, fields }));
  },
  'label-order-swap': ({ examples, spec }) => {
    const { words } = kindOf(spec);
    if (spec.range !== undefined) return { refused: 'the task has a range, and no labels to name' };
    if (words.orders !== undefined) return { refused: `${words.examples} are asked in ${words.orders} already` };
    const prompt = withLabelsReversed(spec.prompt, spec.labels);
    if (prompt === undefined) return { refused: "the task's prompt does not name two labels" };
    const swapped = { ...spec, prompt };
    return examples.map((example) => ({ example, spec: swapped, isBlank: false }));
  },
  paraphrase: ({ task, examples, spec, settings }) => {
    const specs = (settings.paraphrases[task] ?? []).map((prompt) => ({ ...spec, prompt }));
    if (specs.length === 0) return { refused: `the recipe has no evaluation.paraphrases.${task}` };
    return examples.map((example, i) => ({ example, spec: specs[i % specs.length] ?? spec, isBlank: false }));
  },
  'longer-answer': ({ task, examples, spec, settings }) => {
    const longer = settings.longerAnswer[task];
    if (longer === undefined) return { refused: `the recipe has no evaluation.longerAnswer.${task}` };
    const { field, filler } = longer;
    if (examples.some(({ fields }) => fields[field] === undefined))
      return { refused: `an example has no field ${field}` };
    return examples.map((example) => {
      const fields = { ...example.fields, [field]: `${example.fields[field] ?? ''} ${filler}` };
      return { example: { ...example, fields }, spec, isBlank: false };
    });
  },
};

function showsImages(examples: readonly Example[]): boolean {
  return examples.some(({ images }) => images.length > 0);
}

/**
 * Chooses for each example, by seed, another example of the pool with as many images whose `valueOf` differs; undefined
 * if there is none.
 */
function donors(
  { task, pool, settings }: ProbeRequest,
  what: string,
  valueOf: (example: Example) => string,
): (example: Example) => Example | undefined {
  const order = new Rng('probe', what, settings.seed, task).shuffle(pool.map((_, i) => i));
  const shuffled = order.flatMap((i) => pool[i] ?? []);
  const placeOf = new Map(shuffled.map(({ groupKey }, i) => [groupKey, i]));
  return (example) => {
    const own = valueOf(example);
    const from = (placeOf.get(example.groupKey) ?? 0) + 1;
    const isOther = (other: Example): boolean =>
      valueOf(other) !== own && other.images.length === example.images.length;
    return [...shuffled.slice(from), ...shuffled.slice(0, from)].find(isOther);
  };
}

function withDonors(
  { examples, spec }: ProbeRequest,
  donorOf: (example: Example) => Example | undefined,
  what: string,
  changed: (example: Example, donor: Example) => Example,
): readonly Asked[] | Refusal {
  const asked = examples.flatMap((example): Asked[] => {
    const donor = donorOf(example);
    return donor === undefined ? [] : [{ example: changed(example, donor), spec, isBlank: false }];
  });
  return asked.length === examples.length ? asked : { refused: `an example has no counterpart with another ${what}` };
}

/** The prompt with the order of the labels that it names reversed; undefined if it names fewer than two. */
function withLabelsReversed(prompt: string, labels: readonly string[]): string | undefined {
  const wordOf = (alternatives: string): RegExp =>
    new RegExp(`(?<![\\p{L}\\p{N}])(?:${alternatives})(?![\\p{L}\\p{N}])`, 'gu');
  const named = labels.filter((label) => wordOf(literalPattern(label)).test(prompt));
  if (named.length < 2) return undefined;
  const other = new Map(named.map((label, i) => [label, named[named.length - 1 - i] ?? label]));
  // Longer labels first, so that `very good` is not matched as `good`.
  const alternatives = [...named].sort((a, b) => b.length - a.length).map(literalPattern);
  return prompt.replace(wordOf(alternatives.join('|')), (label) => other.get(label) ?? label);
}
