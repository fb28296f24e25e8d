/** The prompt of a guessed task: pictures, texts by name, candidates, and a question that a person should rewrite. */
import type { PromptFields } from './prompt-fields.ts';
import type { Seen, TaskGuess } from './task-guess.ts';

/** Names that a template reads otherwise. */
const reserved = new Set(
  'mode_word candidates labels row true false none and or not in is if else for loop set range True False None'.split(
    ' ',
  ),
);

/** A row's field as a template names it. */
function fieldExpression(name: string, isMarked: boolean): string {
  const isPlain = /^[a-z_]\w*(\.[a-z_]\w*)*$/i.test(name) && !reserved.has(name.split('.')[0] ?? '');
  const field = isPlain ? name : `row[${JSON.stringify(name)}]`;
  return isMarked ? `{{ ${field} | replace("<image>", "") }}` : `{{ ${field} }}`;
}

const wordsOf = (name: string): string =>
  name
    .replace(/[_\-.]+/g, ' ')
    .trim()
    .toLowerCase();

/** Words of the recipe are no template: braces in a name would be read as one. */
const plain = (text: string): string =>
  text
    .replace(/[{}%<>#]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

function listedLabels(labels: readonly string[]): string {
  const all = labels.map(plain);
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} or ${all.at(-1) ?? ''}`;
}

const generic = /^(labels?|answer|target|gold|y|verdict|class)$/i;

/** The question in words; the user may give another. */
export function questionOf(guess: TaskGuess, texts: readonly string[]): string {
  const { kind, labels, compared } = guess;
  const name = plain(wordsOf(guess.asked));
  const [first, ...others] = labels;
  switch (kind) {
    case 'pairwise':
      return `Which ${compared?.what ?? 'one'} is better: ${listedLabels(labels)}?`;
    case 'choice':
      return `Which is the best one?`;
    case 'ranking':
      return `Order them, best first, as in ${labels.slice(0, 3).map(plain).join(' > ')}.`;
    case 'score':
      return `What is the ${generic.test(guess.asked) ? 'score' : name}, from ${first ?? ''} (least) to ${others.at(-1) ?? ''} (greatest)?`;
    case 'criteria':
      return `Judge each of ${name}: ${listedLabels(labels)}. Write them as ${Object.keys(guess.criteria ?? {})
        .map((each) => `${plain(each)}: ${plain(first ?? '')}`)
        .join(', ')}.`;
    case 'pointwise': {
      const isTruth = labels.join() === 'yes,no';
      const subject = texts.length > 0 && guess.images.length > 0 ? 'Does the text fit the picture' : 'Is this right';
      if (isTruth && generic.test(guess.asked)) return `${subject}, yes or no?`;
      return `Which ${generic.test(guess.asked) ? 'label' : name} fits: ${listedLabels(labels)}?`;
    }
  }
}

/** @param question without `mode_word`, which the prompt ends with */
export function promptOf(seen: Seen, guess: TaskGuess, { fields, marked }: PromptFields, question: string): string {
  const { compared, images } = guess;
  const context = compared?.areImages === true ? [] : images.flatMap((image) => marksOf(seen, image));
  const isAlone = fields.length === 1 && compared === undefined;
  const texts = fields.map((field) => {
    const shown = fieldExpression(field, marked.has(field));
    return isAlone ? shown : `${capitalized(plain(wordsOf(field)))}: ${shown}`;
  });
  return [...context, ...texts, ...candidateLines(guess), `${question} {{ mode_word }}`].join('\n');
}

/** One mark for each picture of a column. */
function marksOf({ facts }: Seen, image: string): string[] {
  const { list } = facts.columns.find(({ name }) => name === image) ?? {};
  return Array.from({ length: list?.lengthUsual ?? 1 }, () => '<image>');
}

function candidateLines({ compared, labels }: TaskGuess): string[] {
  if (compared === undefined) return [];
  const { count, areImages } = compared;
  if (count === 'several' && !areImages)
    return ['{% for candidate in candidates %}{{ labels[loop.index0] }}: {{ candidate }} {% endfor %}'];
  const names = count === 'several' ? labels : labels.slice(0, count);
  return names.map((name, i) => `${capitalized(plain(name))}: ${areImages ? '<image>' : `{{ candidates[${i}] }}`}`);
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
