/** Renders the prompt of an example from its task's template. */
import type { ChatMessage, ContentPart } from '../../core/chat-message.ts';
import { MtrlError } from '../../core/errors.ts';
import { joinSegments, segmentsOfMarked, splitTemplate, trimMarked } from '../../core/marked-text.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { AnswerMode, Example } from '../example.ts';
import { markedTarget } from './completion.ts';
import { compileMarkedTemplate, type MarkedTemplate } from './template.ts';

/** Words that ask for a rationale or for the verdict alone: the values of `mode_word` in prompt templates. */
export type ModeWords = Readonly<Record<AnswerMode, string>>;

const imageMark = '<image>';

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
 * Renders one user message; its image parts stand for the example's images, in order. Text parts are trimmed, and empty
 * ones are omitted. Output of the template's expressions over fields is marked as row text: an image mark in it shows
 * no image. PROMPT_INVALID if a field is undefined, or if the template shows more or fewer images than the example has.
 */
export function renderPrompt(task: TaskSpec, example: Example, mode: AnswerMode, modeWords: ModeWords): ChatMessage[] {
  const filled = templateOf(task)(example.fields, { mode_word: modeWords[mode] });
  const pieces = splitTemplate(segmentsOfMarked(filled), imageMark).map(joinSegments);
  const shownCount = pieces.length - 1;
  if (shownCount !== example.images.length) {
    throw new MtrlError(
      'PROMPT_INVALID',
      `the prompt has ${shownCount} images, the example has ${example.images.length}`,
      {
        where: example.id,
        hint: `write ${imageMark} in the task's prompt once per image`,
      },
    );
  }
  const content = pieces.flatMap((piece, i): ContentPart[] => {
    const { text, rows } = trimMarked(piece);
    const parts: ContentPart[] = text === '' ? [] : [{ type: 'text', text, ...(rows.length > 0 && { rows }) }];
    return i === 0 ? parts : [{ type: 'image' }, ...parts];
  });
  return [{ role: 'user', content }];
}

/** An example with its answer, as a turn of the conversation. PROMPT_INVALID in `think` mode without a rationale. */
export function shotMessages(task: TaskSpec, shot: Example, mode: AnswerMode, modeWords: ModeWords): ChatMessage[] {
  const { text, rows } = markedTarget(shot, mode, task.verdictFormat);
  const answer: ContentPart = { type: 'text', text, ...(rows.length > 0 && { rows }) };
  return [...renderPrompt(task, shot, mode, modeWords), { role: 'assistant', content: [answer] }];
}
