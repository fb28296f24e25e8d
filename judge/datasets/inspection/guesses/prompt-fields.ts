/** Columns whose text a prompt shows, and those that it leaves out. */
import type { ColumnFacts } from '../facts/column-facts.ts';
import { isAboutRow } from './label-columns.ts';
import type { Seen, TaskGuess } from './task-guess.ts';

const named =
  /^((source|target|instruct|user|original|edit|image)_)?(question|prompt|instruction|query|caption|statement|sentence|text|word|title|claim|premise|hypothesis|context|passage|input|problem|task|comment|review|message|utterance|response|answer|output|completion|summary|document|content|headline|post|tweet)s?([_ -]?(text|\d|[a-d]))?$/i;
const hidden =
  /(reason|rationale|explanation|[_ ]comment$|feedback|critique|metadata|^info$|hash|uuid|stem|model|caption-?id)/i;
const fieldCountMax = 6;
const plainLengthMin = 12;
const distinctMin = 20;

export interface PromptFields {
  readonly fields: readonly string[];
  /** Fields that may hold the mark `<image>`, which a row may not write. */
  readonly marked: ReadonlySet<string>;
  readonly notes: readonly string[];
}

/** Exports of tools hold what was shown in an object: `data.text`. */
const isNamed = (name: string): boolean => named.test(name.replace(/^(data|input|fields)\./i, ''));

export function promptFields({ facts }: Seen, { used }: TaskGuess): PromptFields {
  const texts = facts.columns.filter(
    ({ name, shape }) => shape === 'text' && !used.includes(name) && !hidden.test(name),
  );
  const known = texts.filter(({ name }) => isNamed(name));
  const other = texts.filter(
    ({ name, meanLength, distinctCount }) =>
      !isNamed(name) &&
      !isAboutRow(name) &&
      !name.includes('.') &&
      meanLength >= plainLengthMin &&
      distinctCount >= Math.min(distinctMin, facts.rowCount / 2),
  );
  const isFull = ({ missingCount }: ColumnFacts): boolean => missingCount <= facts.rowCount / 20;
  const chosen = [...known, ...other].filter(isFull).slice(0, fieldCountMax);
  const patchy = [...known, ...other].filter((column) => !isFull(column)).map(({ name }) => name);
  return {
    fields: chosen.map(({ name }) => name),
    marked: new Set(chosen.filter(({ hasImageMark }) => hasImageMark).map(({ name }) => name)),
    notes: patchy.length > 0 ? [`Not shown, because many rows lack it: ${patchy.join(', ')}.`] : [],
  };
}
