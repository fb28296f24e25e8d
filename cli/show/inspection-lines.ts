/** What `mtrl init` sees and guesses, as text. */
import type { GuessedTask } from '../../judge/datasets/inspection/guesses/guess-task.ts';
import { votesText } from '../../judge/datasets/inspection/guesses/guess-votes.ts';
import { columnLine, seenLines } from '../../judge/datasets/inspection/plan/seen-lines.ts';
import type { Seen } from '../../judge/datasets/inspection/guesses/task-guess.ts';
import type { Trial } from '../../judge/datasets/inspection/plan/trial.ts';
import { excerpt } from './terminal-text.ts';

const shownColumnMax = 40;
const nameLengthMax = 40;
const lineLengthMax = 200;

/** The files of a table, its rows and its columns. */
export function tableLines(seen: Seen): string[] {
  const { sources, columns } = seen.facts;
  const width = Math.min(nameLengthMax, Math.max(0, ...columns.map(({ name }) => name.length)));
  const shown = columns.slice(0, shownColumnMax).map((column) => {
    const isAbsent = seen.pictures.absent.some(({ name }) => name === column.name);
    return `  ${excerpt(column.name, nameLengthMax).padEnd(width)}  ${excerpt(columnLine(column), lineLengthMax)}${isAbsent ? ', not found' : ''}`;
  });
  const rest = columns.length - shown.length;
  const { folder } = seen.pictures;
  // One file of readable rows: the line above says it all.
  const isPlain = sources.length === 1 && seen.facts.unreadableCount === 0;
  return [
    ...sources.map(({ path, reader, rowCount }) => `${path}  ${reader}, ${String(rowCount)} rows`),
    ...seenLines(seen)
      .slice(isPlain ? 1 : 0)
      .map((line) => `  ${excerpt(line, lineLengthMax)}`),
    ...shown,
    ...(rest > 0 ? [`  and ${String(rest)} more columns`] : []),
    ...(folder === undefined ? [] : [`  pictures in ${folder}`]),
  ];
}

/** The guess, and what its sampled rows make. */
export function guessLines({ guess, keys, splits, votes }: GuessedTask, trial?: Trial): string[] {
  const splitTexts = splits.sources.map(({ split }) => (typeof split === 'string' ? split : shares(split)));
  return [
    `  -> ${guess.kind}, labels ${excerpt(guess.labels.join(', '), lineLengthMax)}`,
    ...guess.notes.map((note) => `     ${excerpt(note, lineLengthMax)}`),
    ...votes.map((each) => `     ${excerpt(votesText(each, guess.votes), lineLengthMax)}`),
    `     split ${[...new Set(splitTexts)].join(', ')}${keys.group === undefined ? '' : `, by ${excerpt(keys.group, nameLengthMax)}`}`,
    ...(trial === undefined ? [] : trialLines(trial)),
  ];
}

const shares = ({ train, val, test }: Readonly<Record<'train' | 'val' | 'test', number>>): string =>
  `by seed ${String(train)}/${String(val)}/${String(test)}`;

export function trialLines({ triedCount, unusable, reasons }: Trial): string[] {
  return [...unusable].map(([code, count]) => {
    const reason = excerpt(reasons.get(code) ?? '', lineLengthMax);
    return `     ${String(count)} of ${String(triedCount)} sampled rows: ${code}, ${reason}`;
  });
}
