/**
 * A base model that judges, for the tests' Tinker server: a checkpoint folder of the Qwen3-VL kind without weights, and
 * the logits of a model that mostly writes answers in the wanted form, by chance.
 */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { required } from '../../core/assert.ts';
import { qwen3VlFolder } from './qwen3-vl-fixture.ts';

const words = [
  '<think>',
  '</think>',
  '<answer>',
  '</answer>',
  'yes',
  'no',
  'safe',
  'unsafe',
  'first',
  'second',
] as const;
const kept = ['chat_template.jinja', 'generation_config.json', 'tokenizer_config.json'];

interface Tokenizer {
  readonly model: { readonly vocab: Readonly<Record<string, number>> };
  readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
}

/** Writes the folder; images have a token for each 32 x 32 pixels. Returns logits, [token before][token]. */
export async function writeTinkerJudge(folder: string): Promise<number[][]> {
  const source = qwen3VlFolder('untied');
  const read = async <T>(name: string): Promise<T> => JSON.parse(await readFile(join(source, name), 'utf8')) as T;
  const write = (name: string, value: unknown) => writeFile(join(folder, name), JSON.stringify(value));
  await mkdir(folder, { recursive: true });
  for (const name of kept) await cp(join(source, name), join(folder, name));

  const tokenizer = await read<Tokenizer>('tokenizer.json');
  const firstId = Object.keys(tokenizer.model.vocab).length;
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: false };
  const added = words.map((content, i) => ({ id: firstId + i, content, ...plain }));
  await write('tokenizer.json', { ...tokenizer, added_tokens: [...tokenizer.added_tokens, ...added] });

  const vocabularySize = firstId + words.length;
  const config = await read<{ text_config: object; vision_config: object }>('config.json');
  await write('config.json', {
    ...config,
    text_config: { ...config.text_config, vocab_size: vocabularySize, max_position_embeddings: 8192 },
    vision_config: { ...config.vision_config, patch_size: 16 },
  });
  const processor = await read<{ image_processor: object }>('processor_config.json');
  const size = { shortest_edge: 32 ** 2, longest_edge: 1024 ** 2 };
  await write('processor_config.json', {
    ...processor,
    image_processor: { ...processor.image_processor, patch_size: 16, size },
  });
  const special = [...added, ...tokenizer.added_tokens].map(({ content, id }): [string, number] => [content, id]);
  const ids = new Map([...Object.entries(tokenizer.model.vocab), ...special]);
  return logitsOf(ids, vocabularySize);
}

/** The prompt's last token, as the vocabulary has it. */
const lineBreak = 'Ċ';

/** After the prompt, with or without a reason; every verdict is one token. */
const answers = [
  ...words.slice(4).map((verdict) => ['<answer>', verdict, '</answer>', '<|im_end|>']),
  ['<think>', 'is', '</think>', '<answer>'],
];

/** Of 10,000 next tokens about 100 are none of an answer, so that some answers cannot be read. */
const answerLogit = 10;

function logitsOf(ids: ReadonlyMap<string, number>, vocabularySize: number): number[][] {
  const logits = Array.from({ length: vocabularySize }, () => new Array<number>(vocabularySize).fill(0));
  for (const answer of answers) {
    [lineBreak, ...answer].slice(0, -1).forEach((before, i) => {
      const [from, to] = [before, answer[i]].map((word = '') => required(ids.get(word), word));
      required(logits[from ?? -1], 'a row')[to ?? -1] = answerLogit;
    });
  }
  return logits;
}
