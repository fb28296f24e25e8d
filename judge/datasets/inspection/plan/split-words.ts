/** What the names of files say of splits: `pointwise.train.jsonl`, `test/part-3.csv`, `pairs.ood_edges.jsonl`. */
import { posix } from 'node:path';
import type { Split } from '../../../example.ts';

const wordsOfSplits: readonly (readonly [Split, RegExp])[] = [
  ['train', /^(train|training|trn)\d*$/i],
  ['val', /^(val|valid|validation|dev|eval)$/i],
  ['test', /^(test|testing|heldout|holdout)$/i],
];
const dataExtension = /(\.(jsonl|ndjson|json|csv|tsv|parquet|tar|tgz|zip))?(\.(gz|zst|bz2|xz))?$/i;
const oodWord = /^(ood|unseen)$/i;

/** `pointwise.ood_edges.jsonl` -> pointwise, ood, edges. */
export function wordsOf(path: string): string[] {
  const name = posix.basename(path).replace(dataExtension, '');
  return name.split(/[^a-z0-9]+/i).filter((word) => word !== '');
}

export function splitNamed(word: string): Split | undefined {
  return wordsOfSplits.find(([, pattern]) => pattern.test(word))?.[0];
}

/** By the file's name, else by its folder's. */
export function splitOfFile(path: string): Split | undefined {
  const [found] = wordsOf(path).flatMap((word) => splitNamed(word) ?? []);
  return found ?? splitNamed(posix.basename(posix.dirname(path)));
}

/** Whether the name says that nothing is trained on the file. */
export const isOodFile = (path: string): boolean => wordsOf(path).some((word) => oodWord.test(word));

/** What the name says beside its split: files of one series are one task. Empty for a name without a split. */
export function seriesOf(path: string): string {
  const words = wordsOf(path);
  const ood = words.findIndex((word) => oodWord.test(word));
  const before = ood < 0 ? words : words.slice(0, ood);
  const series = before.filter((word) => splitNamed(word) === undefined && !/^(\d+|of)$/.test(word));
  return ood < 0 && splitOfFile(path) === undefined ? '' : series.join(' ');
}
