/**
 * `npm run bench -- real-votes`: makes what recipes/real-votes.yaml reads, in .mtrl/real-votes: rows (vote-rows.ts) from the
 * published votes and the pictures that are for training, and the policy (renewed-words.ts).
 */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../core/project.ts';
import { publishedRows } from './published-rows.ts';
import { writeRenewedBase } from './renewed-words.ts';
import { classesOf, showsRowsOf, type VotedPicture } from './vote-rows.ts';

const hint = 'put votes.jsonl, judgments/ and images/ there';

export function bench(log: (line: string) => void) {
  const source = join(projectRoot, '..', 'shared', 'data', 'cue-conflict');
  const folder = join(projectRoot, '.mtrl', 'real-votes');
  const counts = prepareVotes(source, folder);
  log(`made ${folder}`);
  return Promise.resolve({ folder, ...counts });
}

/** Writes the folder anew. FILE_MISSING if the published files are not there. */
export function prepareVotes(source: string, folder: string) {
  const pictures = publishedRows<VotedPicture>(join(source, 'votes.jsonl'), hint);
  const classes = classesOf(pictures);
  const rowsOf = (split: 'train' | 'val'): VotedPicture[] => {
    const judged = publishedRows<{ readonly image: string }>(
      join(source, 'judgments', `pointwise.${split}.jsonl`),
      hint,
    );
    const images = new Set(judged.map(({ image }) => image));
    return pictures.filter(({ image }) => images.has(image));
  };
  const made = {
    'shows.train': showsRowsOf(rowsOf('train'), classes, 0),
    'which.train': rowsOf('train'),
    'which.test': rowsOf('val'),
  };
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  symlinkSync(source, join(folder, 'cue-conflict'));
  for (const [name, rows] of Object.entries(made))
    writeFileSync(join(folder, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  writeRenewedBase(join(folder, 'base'), classes, 0);
  return { rowCounts: Object.fromEntries(Object.entries(made).map(([name, rows]) => [name, rows.length])), classes };
}
