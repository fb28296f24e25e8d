/** Asks what a table's task is: label, kind, pictures and question, each preset to the guess. */
import { MtrlError } from '../../core/errors.ts';
import {
  type Choices,
  type GuessedTask,
  guessTask,
  possibleKinds,
  seenOf,
} from '../../judge/datasets/inspection/guesses/guess-task.ts';
import { findPictures } from '../../judge/datasets/inspection/facts/pictures.ts';
import type { Seen } from '../../judge/datasets/inspection/guesses/task-guess.ts';
import { valueCounts } from '../../judge/datasets/inspection/facts/value-counts.ts';
import type { SourceFiles } from '../../judge/datasets/sources/source-files.ts';
import { kindNames } from '../../judge/kinds/table.ts';
import { tableLines } from '../show/inspection-lines.ts';
import { excerpt } from '../show/terminal-text.ts';
import { userPath } from '../user-path.ts';
import type { Dialogue } from './dialogue.ts';

const listedLabelMax = 8;
const lineLengthMax = 120;
const isCoded = (error: unknown): error is MtrlError => error instanceof MtrlError;

/** Undefined if the user leaves the table out. Throws Interrupted. */
export async function askTask(
  dialogue: Dialogue,
  table: Seen,
  given: Choices,
  files: SourceFiles,
): Promise<GuessedTask | undefined> {
  dialogue.say(tableLines(table).join('\n'));
  const seen = await askPictures(dialogue, table, files);
  const preset = guessOf(dialogue, seen, given);
  sayLabels(dialogue, seen);
  const labelPreset = preset === undefined ? 'none' : labelText(preset);
  const labelled = await dialogue.askUntil(
    'Label: a column, or none to leave these rows out',
    labelPreset,
    (answer): Choices | undefined => {
      if (answer === 'none') return undefined;
      const choices = answer === labelPreset ? given : { ...given, label: answer };
      guessTask(seen, choices);
      return choices;
    },
    isCoded,
  );
  if (labelled === undefined) return undefined;
  const kinds = possibleKinds(seen, labelled.label);
  const { guess } = guessTask(seen, labelled);
  const kinded = await dialogue.askUntil(
    `Kind: ${kinds.join(', ')}`,
    guess.kind,
    (answer): Choices => {
      const kind = kindNames.find((name) => name === answer);
      if (kind === undefined) throw new MtrlError('USAGE', `${answer} is no kind: ${kinds.join(', ')}`);
      const choices = kind === guess.kind ? labelled : { ...labelled, kind };
      guessTask(seen, choices);
      return choices;
    },
    isCoded,
  );
  const { question } = guessTask(seen, kinded);
  return guessTask(seen, { ...kinded, question: await dialogue.ask('Question to the judge', question) });
}

function guessOf(dialogue: Dialogue, seen: Seen, given: Choices): GuessedTask | undefined {
  try {
    return guessTask(seen, given);
  } catch (error) {
    if (!isCoded(error)) throw error;
    dialogue.say(error.message);
    return undefined;
  }
}

function labelText({ guess: { label, votes } }: GuessedTask): string {
  if (label === undefined) return votes?.column ?? 'none';
  return typeof label === 'string' ? label : JSON.stringify(label);
}

function sayLabels(dialogue: Dialogue, { labels }: Seen): void {
  for (const { column } of labels.slice(0, listedLabelMax))
    dialogue.say(`  ${excerpt(`${column.name}: ${valueCounts(column)}`, lineLengthMax)}`);
}

/** Where pictures lie that rows name and that were not found. */
async function askPictures(dialogue: Dialogue, seen: Seen, files: SourceFiles): Promise<Seen> {
  const { absent } = seen.pictures;
  if (absent.length === 0) return seen;
  const names = absent.map(({ name }) => name).join(', ');
  const pictures = await dialogue.askUntil(
    `Folder of the pictures that ${excerpt(names, lineLengthMax)} name, or none`,
    'none',
    (answer) => (answer === 'none' ? seen.pictures : findPictures(files, seen.facts, userPath(answer))),
    isCoded,
  );
  return seenOf(seen.facts, pictures);
}
