/** Renders the prompt of an example from its task's template. */
import { required } from '../../core/assert.ts';
import type { ChatMessage, ContentPart, ImagePart } from '../../core/chat-message.ts';
import { MtrlError } from '../../core/errors.ts';
import { joinSegments, segmentsOfMarked, type TextSegment, trimMarked } from '../../core/marked-text.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { AnswerMode, Example } from '../example.ts';
import { kindOf } from '../kinds/table.ts';
import { candidatesOf, verdictLabels } from './candidates.ts';
import { markedTarget } from './completion.ts';
import { compileMarkedTemplate, type MarkedTemplate } from './template.ts';

/** Words that ask for a rationale or for the verdict alone: the values of `mode_word` in prompt templates. */
export type ModeWords = Readonly<Record<AnswerMode, string>>;

/** An image mark in template text: of the next image, or of the one with this index. */
const imageMark = /<image(?::(\d+))?>/;

/** Compiled templates by task: parsing takes longer than rendering a hundred times. */
const compiled = new WeakMap<TaskSpec, MarkedTemplate>();

function templateOf(task: TaskSpec): MarkedTemplate {
  const known = compiled.get(task);
  if (known !== undefined) return known;
  const template = compileMarkedTemplate(task.prompt);
  compiled.set(task, template);
  return template;
}

/**
 * Renders one user message; its image parts stand for the example's images. Text parts are trimmed, and empty ones are
 * omitted. Output of the template's expressions over fields is marked as row text: an image mark in it shows no image.
 * Fields with dots in their names are members (`{{ Input.caption }}`), and any name can be written as `row["a name"]`.
 * `candidates` lists the candidates of a kind that compares, each printed with its text and images, and `labels` the
 * verdicts that the example allows, unless the row has fields of these names. Pieces of the context are printed likewise. PROMPT_INVALID if a field is undefined, or
 * if the template does not show each image of the example once.
 */
export function renderPrompt(task: TaskSpec, example: Example, mode: AnswerMode, modeWords: ModeWords): ChatMessage[] {
  const { fields } = example;
  const isOfRow = (name: string): boolean => Object.hasOwn(fields, name);
  const isCompared = kindOf(task).candidateCount !== undefined && !isOfRow('candidates');
  const labels = isOfRow('labels') ? {} : { labels: verdictLabels(task, example) };
  const words = { mode_word: modeWords[mode], ...labels };
  const { context } = example;
  const shown = { ...(context && { context }), ...(isCompared && { candidates: candidatesOf(example) }) };
  const filled = templateOf(task)(fields, words, shown, example.imageMark);
  const segments = segmentsOfMarked(filled);
  const { pieces, marks } = splitAtMarks(segments);
  const images = shownImages(example, marks, segments);
  const content = pieces.map(joinSegments).flatMap((piece, i): ContentPart[] => {
    const { text, rows } = trimMarked(piece);
    const parts: ContentPart[] = text === '' ? [] : [{ type: 'text', text, ...(rows.length > 0 && { rows }) }];
    const before = i === 0 ? undefined : images[i - 1];
    return before === undefined ? parts : [before, ...parts];
  });
  return [{ role: 'user', content }];
}

/** The task's system message, which comes before its shots and its prompt; none if the recipe gives none. */
export function systemMessages({ system }: TaskSpec): ChatMessage[] {
  return system === undefined ? [] : [{ role: 'system', content: [{ type: 'text', text: system }] }];
}

/** Splits at the image marks in template text; for each mark the index that it names, if any. */
function splitAtMarks(segments: readonly TextSegment[]) {
  const pieces: TextSegment[][] = [[]];
  const marks: (number | undefined)[] = [];
  for (const segment of segments) {
    // Every second part is what a mark names.
    const parts = segment.isRow ? [segment.text] : segment.text.split(imageMark);
    for (const [i, text] of parts.entries()) {
      if (i % 2 === 1) {
        marks.push(/^\d+$/.test(text) ? Number(text) : undefined);
        pieces.push([]);
      } else pieces.at(-1)?.push({ text, isRow: segment.isRow });
    }
  }
  return { pieces, marks };
}

/** The image of each mark. Marks without an index show the images that no other mark names, in order. */
function shownImages(
  { id, images }: Example,
  marks: readonly (number | undefined)[],
  segments: readonly TextSegment[],
): ImagePart[] {
  const named = marks.filter((mark) => mark !== undefined);
  const others = images.map((_, image) => image).filter((image) => !named.includes(image));
  const isOnce = new Set(named).size === named.length && named.every((image) => image < images.length);
  if (marks.length !== images.length || !isOnce) {
    const isInRow = segments.some(({ isRow, text }) => isRow && text.includes('<image>'));
    const why = isInRow ? "; <image> in the row's fields is text, unless imageMark of the dataset names it" : '';
    throw new MtrlError(
      'PROMPT_INVALID',
      `the prompt has ${marks.length} images, the example has ${images.length}${why}`,
      {
        where: id,
        hint: "write <image> in the task's prompt once per image, and {{ candidates[0] }} and so on once per candidate",
      },
    );
  }
  const isInOrder = named.length === 0;
  return marks.map((mark) => {
    const image = mark ?? required(others.shift(), 'an image for every mark');
    return isInOrder ? { type: 'image' } : { type: 'image', image };
  });
}

/** The images of the messages' parts, by what `imageAt` gives for an index into the images of the example. */
export function imagesOfMessages<T>(messages: readonly ChatMessage[], imageAt: (image: number) => T): T[] {
  const parts = messages.flatMap(({ content }) => content).filter((part) => part.type === 'image');
  return parts.map(({ image }, i) => imageAt(image ?? i));
}

/** An example with its answer, as a turn of the conversation. PROMPT_INVALID in `think` mode without a rationale. */
export function shotMessages(task: TaskSpec, shot: Example, mode: AnswerMode, modeWords: ModeWords): ChatMessage[] {
  const { text, rows } = markedTarget(shot, mode, task.verdictFormat);
  const answer: ContentPart = { type: 'text', text, ...(rows.length > 0 && { rows }) };
  return [...renderPrompt(task, shot, mode, modeWords), { role: 'assistant', content: [answer] }];
}
