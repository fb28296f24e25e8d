/** From a declared task and an example to what the judge is shown. */
import type { ChatMessage, ContentPart } from '../../core/chat-message.ts';
import { MtrlError } from '../../core/errors.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { AnswerMode, Example } from '../example.ts';
import { compileTemplate, type Template } from './template.ts';

/** The words that ask for reasoning and for the bare verdict: `mode_word` in prompt templates. */
export type ModeWords = Readonly<Record<AnswerMode, string>>;

const imageMark = '<image>';

/** Templates by task: parsing one costs more than filling it in a hundred times. */
const compiled = new WeakMap<TaskSpec, Template>();

function templateOf(task: TaskSpec): Template {
  const known = compiled.get(task);
  if (known !== undefined) return known;
  const template = compileTemplate(task.prompt);
  compiled.set(task, template);
  return template;
}

function refuseImageMarks(fields: Example['fields']): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value.includes(imageMark)) {
      throw new MtrlError('PROMPT_INVALID', `field ${name} holds ${imageMark}, which only the template may`, {
        where: name,
      });
    }
  }
}

/**
 * One user message; its image parts stand for the example's images, in order. Text parts are trimmed, empty ones left
 * out. PROMPT_INVALID when a field is undefined, or the template shows more or fewer images than the example has.
 */
export function renderPrompt(task: TaskSpec, example: Example, mode: AnswerMode, modeWords: ModeWords): ChatMessage[] {
  refuseImageMarks(example.fields);
  const pieces = templateOf(task)({ ...example.fields, mode_word: modeWords[mode] }).split(imageMark);
  const shownCount = pieces.length - 1;
  if (shownCount !== example.images.length) {
    throw new MtrlError(
      'PROMPT_INVALID',
      `the prompt shows ${shownCount} images, the example has ${example.images.length}`,
      {
        where: example.id,
        hint: `write ${imageMark} in the task's prompt once for each image`,
      },
    );
  }
  const content = pieces.flatMap((piece, i): ContentPart[] => {
    const text = piece.trim();
    const parts: ContentPart[] = text === '' ? [] : [{ type: 'text', text }];
    return i === 0 ? parts : [{ type: 'image' }, ...parts];
  });
  return [{ role: 'user', content }];
}
