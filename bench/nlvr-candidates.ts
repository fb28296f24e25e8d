/**
 * `npm run bench -- nlvr-candidates`: makes what recipes/nlvr-candidates.yaml reads, in .mtrl/nlvr-candidates: rows with
 * candidates (nlvr-rows.ts), and a folder with the demo's architecture for pictures of 64x64 and the words of the sentences.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { required } from '../core/assert.ts';
import { projectRoot } from '../core/project.ts';
import { publishedRows } from './published-rows.ts';
import { choicesOf, denialWords, type NlvrRow, pairsOf, vocabularyOf } from './nlvr-rows.ts';

/** Words of the recipe's prompts and labels that the demo's tokenizer lacks. */
const recipeWords = ['true', 'third', 'fourth'];
const imageEdge = 64;
const hint = 'put train1000.jsonl and dev.jsonl of NLVR with their pictures there';
const files = { train: 'train1000.jsonl', test: 'dev.jsonl' } as const;

export function bench(log: (line: string) => void) {
  const source = join(projectRoot, '..', 'shared', 'data', 'nlvr');
  const folder = join(projectRoot, '.mtrl', 'nlvr-candidates');
  const counts = prepareNlvr(source, folder);
  log(`made ${folder}`);
  return Promise.resolve({ folder, ...counts });
}

/** Writes the folder anew. FILE_MISSING if the published files are not there. */
export function prepareNlvr(source: string, folder: string) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  symlinkSync(source, join(folder, 'nlvr'));
  const rowsIn = (file: string): NlvrRow[] => publishedRows(join(source, file), hint);
  const [train, test] = [rowsIn(files.train), rowsIn(files.test)];
  const exampleCounts: Record<string, number> = {};
  for (const [split, rows] of Object.entries({ train, test }))
    for (const [task, made] of Object.entries({ pairs: pairsOf(rows), choices: choicesOf(rows, 0) })) {
      exampleCounts[`${task}.${split}`] = made.length;
      writeFileSync(join(folder, `${task}.${split}.jsonl`), made.map((row) => `${JSON.stringify(row)}\n`).join(''));
    }
  const wordCount = writeConfig(join(folder, 'config'), [...recipeWords, ...denialWords, ...vocabularyOf(train)]);
  return { exampleCounts, wordCount };
}

interface Tokenizer {
  readonly model: { readonly vocab: Readonly<Record<string, number>> };
}
interface Config {
  readonly text_config: object;
  readonly vision_config: object;
}

/** The demo's config for larger pictures, longer prompts and more words; returns their number. */
function writeConfig(folder: string, words: readonly string[]): number {
  const demo = join(projectRoot, 'recipes', 'demo-config');
  const read = (name: string): unknown => JSON.parse(readFileSync(join(demo, name), 'utf8'));
  const write = (name: string, value: unknown): void => {
    writeFileSync(join(folder, name), JSON.stringify(value, null, 2));
  };
  cpSync(demo, folder, { recursive: true });
  const tokenizer = read('tokenizer.json') as Tokenizer;
  // The demo's tokens keep their ids: the config names some of them.
  const { vocab: known } = tokenizer.model;
  const tokens = Object.keys(known).sort((a, b) => required(known[a], a) - required(known[b], b));
  tokens.push(...new Set(words.filter((word) => known[word] === undefined)));
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  write('tokenizer.json', { ...tokenizer, model: { ...tokenizer.model, vocab } });
  const config = read('config.json') as Config;
  write('config.json', {
    ...config,
    // As many image tokens as the demo has: 16 x 16 patches, 4 x 4 of which are one token.
    scale_factor: 4,
    text_config: {
      ...config.text_config,
      vocab_size: Math.ceil(tokens.length / 8) * 8,
      max_position_embeddings: 384,
    },
    vision_config: { ...config.vision_config, image_size: imageEdge },
  });
  const size = { longest_edge: imageEdge };
  write('preprocessor_config.json', { ...(read('preprocessor_config.json') as object), size, max_image_size: size });
  return tokens.length;
}
