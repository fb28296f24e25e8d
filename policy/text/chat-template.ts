/** Renders messages to prompt text with the folder's Jinja template, like `apply_chat_template` of transformers. */
import { join } from 'node:path';
import { z } from 'zod';
import { MtrlError } from '../../core/errors.ts';
import { checkFields, readJsonFile, readTextFile } from '../checkpoint-file.ts';
import { pythonTemplate } from './python-template.ts';
import type { SpecialTokens } from './special-tokens.ts';
import { defaultPromptDate, strftimeAt } from './strftime.ts';

/** A message as the template expects it: `content` is parts for a model that reads images, else text. */
interface TemplateMessage {
  readonly role: string;
  readonly content: unknown;
}

/** @param date the day that the template may write, as in `2024-07-26` */
export type RenderChat = (messages: readonly TemplateMessage[], date?: string) => string;

/** One template, or several by name, of which `default` is meant: a list in files, an object in some trainers' files. */
const jsonSchema = z.looseObject({
  chat_template: z
    .union([
      z.string().transform((template) => ({ default: template })),
      z
        .array(z.object({ name: z.string(), template: z.string() }))
        .transform((list) => Object.fromEntries(list.map(({ name, template }) => [name, template]))),
      z.record(z.string(), z.string()),
    ])
    .nullish(),
});

/**
 * Loads the template, which is rendered with the generation prompt at the end. Throws CHECKPOINT_INVALID if there is no
 * template or it fails.
 */
export async function loadChatTemplate(folder: string, specialTokens: SpecialTokens): Promise<RenderChat> {
  const { text, where } = await findTemplate(folder);
  const template = guarded(where, () => pythonTemplate(text));
  return (messages, date = defaultPromptDate) =>
    guarded(where, () => {
      const strftime_now = strftimeAt(date);
      return template({ ...specialTokens, strftime_now, messages, add_generation_prompt: true });
    });
}

/** Searches in the order of transformers: a separate file, the older JSON file, the tokenizer's config. */
async function findTemplate(folder: string): Promise<{ readonly text: string; readonly where: string }> {
  const text = await readTextFile(folder, 'chat_template.jinja');
  if (text !== undefined) return { text, where: join(folder, 'chat_template.jinja') };
  const others: string[] = [];
  for (const name of ['chat_template.json', 'tokenizer_config.json']) {
    const where = join(folder, name);
    const { chat_template: found } = checkFields(jsonSchema, (await readJsonFile(folder, name)) ?? {}, where);
    const templates: Readonly<Record<string, string>> = found ?? {};
    if (templates['default'] !== undefined) return { text: templates['default'], where };
    others.push(...Object.keys(templates));
  }
  throw new MtrlError('CHECKPOINT_INVALID', 'the checkpoint has no chat template', {
    where: folder,
    found:
      others.length === 0
        ? 'no chat_template.jinja, and no chat_template in chat_template.json or tokenizer_config.json'
        : `templates named ${others.join(', ')}, but none named default`,
    hint: 'put the template with which the model was trained into chat_template.jinja in this folder',
  });
}

function guarded<T>(where: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new MtrlError('CHECKPOINT_INVALID', 'the chat template cannot be rendered', { where, found, cause });
  }
}
