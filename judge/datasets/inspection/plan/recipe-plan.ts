/** The recipe over guessed tasks, with a comment for what was seen, guessed and left open. */
import type { RecipeInput } from '../../../../recipes/recipe.ts';
import { type ArmNeeds, type Machine, type SizedArms, sizedArms } from './arm-sizes.ts';
import { hasClasses } from '../../../kinds/table.ts';
import { isPictureColumn } from '../facts/pictures.ts';
import type { GuessedTask } from '../guesses/guess-task.ts';
import type { SourceSplit } from './source-splits.ts';
import { seenLines } from './seen-lines.ts';
import { specOf, votesText } from '../guesses/guess-votes.ts';
import { type NamedTask, taskNames } from '../guesses/task-names.ts';

export interface Comment {
  readonly at: readonly (string | number)[];
  readonly text: string;
}

export interface RecipePlan {
  readonly recipe: RecipeInput;
  readonly comments: readonly Comment[];
}

export interface PlanSettings {
  readonly name: string;
  readonly machine: Machine;
  /** A path as the recipe writes it. */
  readonly placeOf: (path: string) => string;
  /** Share of unusable rows to allow for; undefined for the default. */
  readonly quarantineRateMax?: number | undefined;
}

/** Pictures with a longer edge are kept smaller: models of this size see no more. */
const imageEdgeMax = 512;
const evaluatedExampleMax = 200;
/** Tokens that an answer may have beyond those of a rollout. */
const spareTokenCount = 12;
const pictureModel = 'hf:HuggingFaceTB/SmolVLM-256M-Instruct';
const textModel = 'hf:HuggingFaceTB/SmolLM2-135M-Instruct';

export function planRecipe(tasks: readonly GuessedTask[], settings: PlanSettings): RecipePlan {
  const comments: Comment[] = [];
  const named = taskNames(tasks);
  const datasets = named.flatMap((task) => datasetsOf(task, settings));
  const isTrained = named.some(({ task }) => task.splits.isTrained);
  const hasPictures = tasks.some(({ guess }) => showsPictures(guess));
  const needs: ArmNeeds = {
    exampleCount: tasks.reduce((sum, { seen }) => sum + 0.8 * seen.facts.rowCount, 0),
    hasPictures,
    labelLength: Math.max(...tasks.map(({ guess }) => answerLength(guess))),
    hasClasses: tasks.some(({ guess }) => hasClasses(guess)),
  };
  const rate = settings.quarantineRateMax;
  const { head, tail } = sharedFields(settings.name, sizedArms(needs, settings.machine), {
    ...{ hasPictures, isTrained, quarantineRateMax: rate },
  });
  const recipe = {
    ...head,
    tasks: Object.fromEntries(named.flatMap(({ task, name, oodName }) => taskEntries(task, name, oodName))),
    datasets: datasets.map(({ dataset }) => dataset),
    ...tail,
  } as RecipeInput;
  for (const { task, name } of named) commentTask(comments, task, name);
  for (const [index, { task, part }] of datasets.entries()) commentDataset(comments, index, task, part);
  return {
    recipe,
    comments: [...comments, ...policyComments({ isTrained, hasPictures, hasEngine: 'engine' in head, rate })],
  };
}

/** Fields above and below those of tasks and datasets. */
export function sharedFields(
  name: string,
  { arms, engine, answerTokenCountMax }: SizedArms,
  settings: {
    readonly hasPictures: boolean;
    readonly isTrained: boolean;
    readonly quarantineRateMax: number | undefined;
  },
) {
  const { hasPictures, isTrained, quarantineRateMax } = settings;
  const head = {
    ...{ name, parallelRunCountMax: 1, policy: { checkpoint: hasPictures ? pictureModel : textModel } },
    ...(engine !== undefined && isTrained && { engine }),
    modeWords: {
      think: 'Think briefly, then answer like this: <think> ... </think> <answer> ... </answer>',
      direct: 'Answer like this: <answer> ... </answer>',
    },
  };
  const { base } = arms;
  const evaluation = { tokenCountMax: answerTokenCountMax + spareTokenCount, exampleCountMax: evaluatedExampleMax };
  const tail = {
    ...(quarantineRateMax !== undefined && { quarantineRateMax }),
    arms: isTrained ? arms : { base },
    evaluation: { ...evaluation, modes: ['strict', 'first-label'] },
  };
  return { head, tail };
}

const showsPictures = ({ images, compared, ranking }: GuessedTask['guess']): boolean =>
  images.length > 0 || compared?.what === 'picture' || (ranking !== undefined && compared?.areImages === true);

/** Characters of the longest verdict. */
function answerLength({ kind, labels, criteria }: GuessedTask['guess']): number {
  const longest = Math.max(...labels.map((label) => label.length));
  if (kind === 'ranking') return labels.length * 4;
  if (criteria === undefined) return longest;
  return Object.keys(criteria).reduce((sum, name) => sum + name.length + longest + 4, 0);
}

function taskEntries({ guess, prompt, splits }: GuessedTask, name: string, oodName: string | undefined) {
  const { kind, labels, real, criteria } = guess;
  const own = { kind, labels, ...(real && { real }), ...(criteria && { criteria }), prompt };
  const isTest = !splits.isTrained;
  const entries: [string, unknown][] = [[name, isTest ? { ...own, ood: true } : own]];
  if (oodName !== undefined) entries.push([oodName, { ...own, ood: true }]);
  return entries;
}

interface PlannedDataset {
  readonly task: GuessedTask;
  readonly part: SourceSplit;
  readonly dataset: unknown;
}

function datasetsOf({ task, name, oodName }: NamedTask, { placeOf }: PlanSettings): PlannedDataset[] {
  const { guess, keys, fields, splits, seen } = task;
  const { pictures } = seen;
  const { votes } = guess;
  const hasItems = typeof votes?.where === 'object' && 'rows' in votes.where;
  const shown = showsPictures(guess);
  const isNamed = shown && pictures.folder !== undefined;
  return splits.sources.map((part) => {
    const where = Object.fromEntries(
      Object.entries({ ...guess.leaveOut, ...part.leaveOut }).map(([field, values]) => [field, { not: values }]),
    );
    const isOne = splits.sources.filter(({ split }) => split === part.split).length === 1;
    const dataset = {
      reader: part.source.reader,
      task: part.isOod ? (oodName ?? name) : name,
      split: part.split,
      path: placeOf(part.source.path),
      ...(isNamed && { imageFolder: placeOf(pictures.folder) }),
      ...(shown && pictures.edgeMax > imageEdgeMax && { imageEdgeMax }),
      fields: {
        // Files of one split may number their rows alike.
        id: isOne || hasItems ? keys.id : '__key__',
        images: guess.images,
        ...(guess.candidates !== undefined && { candidates: guess.candidates }),
        ...(guess.label !== undefined && { label: guess.label }),
        ...(votes !== undefined && { votes: votes.where }),
        prompt: fields.fields,
        ...(keys.group !== undefined && { group: keys.group }),
      },
      ...(votes !== undefined && { votes: specOf(votes) }),
      ...(guess.labelMap && { labelMap: guess.labelMap }),
      ...(Object.keys(where).length > 0 && { where }),
      ...(guess.randomOrderSeed !== undefined && { randomOrderSeed: guess.randomOrderSeed }),
      ...(guess.ranking && { ranking: guess.ranking }),
    };
    return { task, part, dataset };
  });
}

function commentTask(comments: Comment[], { guess, seen, fields }: GuessedTask, name: string): void {
  const lines = [...guess.notes, ...fields.notes];
  const others = seen.labels.filter(({ column, weight }) => !guess.used.includes(column.name) && weight > 30);
  if (others.length > 0)
    lines.push(
      `Other columns that may be labels: ${others
        .slice(0, 6)
        .map(({ column }) => column.name)
        .join(', ')}.`,
    );
  comments.push({ at: ['tasks', name], text: lines.join('\n') });
  comments.push({ at: ['tasks', name, 'prompt'], text: 'Say here what makes an answer right: the words are a guess.' });
}

function commentDataset(comments: Comment[], index: number, task: GuessedTask, part: SourceSplit): void {
  const { keys, splits, votes, seen } = task;
  if (splits.sources[0] !== part) return;
  const lines = [...seenLines(task.seen), ...splits.notes, ...keys.notes];
  lines.push(...votes.map((each) => votesText(each, task.guess.votes)));
  const { absent } = seen.pictures;
  if (absent.length > 0 && !absent.some(({ name }) => task.guess.used.includes(name)))
    lines.push(
      `The pictures of ${absent.map(({ name }) => `\`${name}\``).join(', ')} were not found, so the text is judged alone. With them, set imageFolder and images, and write <image> in the prompt.`,
    );
  const unused = unusedColumns(task);
  if (unused.length > 0) lines.push(`Not used: ${unused.join(', ')}.`);
  comments.push({ at: ['datasets', index], text: lines.join('\n') });
}

const listedColumnMax = 20;

function unusedColumns({ seen, guess, fields, keys, votes }: GuessedTask): string[] {
  const used = new Set([
    ...guess.used,
    ...guess.images,
    ...fields.fields,
    keys.id,
    keys.group,
    ...votes.map(({ column }) => column),
  ]);
  const absent = new Set(seen.pictures.absent.map(({ name }) => name));
  const names = seen.facts.columns
    .filter(
      (column) =>
        !used.has(column.name) && !column.name.includes('.') && !(absent.has(column.name) && isPictureColumn(column)),
    )
    .map(({ name }) => name);
  return names.length > listedColumnMax
    ? [...names.slice(0, listedColumnMax), `and ${names.length - listedColumnMax} more`]
    : names;
}

export interface PolicyFacts {
  readonly isTrained: boolean;
  readonly hasPictures: boolean;
  readonly hasEngine: boolean;
  readonly rate: number | undefined;
}

/** Comments on the fields that every recipe has. */
export function policyComments({ isTrained, hasPictures, hasEngine, rate }: PolicyFacts): Comment[] {
  const model = hasPictures
    ? 'A small model that sees pictures, downloaded once; or a folder in Hugging Face layout.'
    : 'A small language model, downloaded once; or a folder in Hugging Face layout, or a .gguf file.';
  const always: [keyof RecipeInput, string][] = [
    ['parallelRunCountMax', 'As many as there are engines.'],
    ['policy', model],
    [
      'modeWords',
      'The values of mode_word in prompts. The arms answer directly; `mode: think` asks for a reason first.',
    ],
    [
      'evaluation',
      'strict reads the form of the answer; first-label counts the first label in it, so that base shows what it knew before.',
    ],
    [
      'arms',
      isTrained
        ? 'What is compared. The steps are for a first try on this machine: raise stepCount once the figures move.'
        : 'Nothing is trained: all rows are the test.',
    ],
  ];
  if (hasEngine)
    always.push([
      'engine',
      'Half of the memory of this machine. `mtrl doctor --model DIR --recipe THIS` plans memory and time of a step.',
    ]);
  if (rate !== undefined)
    always.push([
      'quarantineRateMax',
      'Ingestion fails when more than this share of the rows cannot be used; of the sampled rows, fewer cannot.',
    ]);
  const arms: [string, string][] = [
    ['base', 'The model as it is.'],
    [
      'format',
      'A few supervised steps that teach the form of an answer: without it no rollout can be read, and RL learns nothing.',
    ],
    ['sft', 'The same labels as targets: what RL has to beat.'],
    ['rl', 'Rollouts are rewarded for the right verdict.'],
  ];
  return [
    ...always.map(([field, text]) => ({ at: [field], text })),
    ...arms.slice(0, isTrained ? undefined : 1).map(([arm, text]) => ({ at: ['arms', arm], text })),
  ];
}
