/** What `mtrl init` sees and guesses, for programs (`--json`). */
import type { GuessedTask } from '../../judge/datasets/inspection/guesses/guess-task.ts';
import type { Seen } from '../../judge/datasets/inspection/guesses/task-guess.ts';
import type { Trial } from '../../judge/datasets/inspection/plan/trial.ts';

const listedValueMax = 20;

export function tableDocument({ facts, pictures, labels }: Seen) {
  const { sources, rowCount, unreadableCount, unreadable, repeatedCount } = facts;
  return {
    ...{ sources, rowCount, unreadableCount, unreadable, repeatedRowCount: repeatedCount },
    columns: facts.columns.map((column) => ({
      ...{ name: column.name, shape: column.shape, missingCount: column.missingCount },
      ...(column.distinctCount > 0 && {
        distinctCount: column.distinctCount,
        ...(column.isDistinctCapped && { isDistinctCapped: true }),
      }),
      ...(column.values !== undefined &&
        column.values.size <= listedValueMax && { values: Object.fromEntries(column.values) }),
      ...(column.numbers && { min: column.numbers.min, max: column.numbers.max }),
      ...(column.list && { lengthMin: column.list.lengthMin, lengthMax: column.list.lengthMax }),
    })),
    pictures: {
      ...{ columns: pictures.shown.map(({ name }) => name), absent: pictures.absent.map(({ name }) => name) },
      ...{ folder: pictures.folder ?? null, triedCount: pictures.triedCount, foundCount: pictures.foundCount },
    },
    labelColumns: labels.map(({ column }) => column.name),
  };
}

export function guessDocument({ guess, keys, fields, splits, votes, prompt }: GuessedTask, trial?: Trial) {
  const { kind, label = null, labels, labelMap = {}, images, candidates = null, ranking = null, notes } = guess;
  return {
    ...{ kind, label, labels, labelMap, images, candidates, ranking, prompt, notes },
    ...{ promptFields: fields.fields, id: keys.id, group: keys.group ?? null },
    splits: splits.sources.map(({ source, split }) => ({ path: source.path, split })),
    votes: votes.map(({ column, found }) => ({ column, found })),
    readVotes: guess.votes === undefined ? null : { where: guess.votes.where, labelBy: guess.votes.labelBy },
    sampled: trial && { triedCount: trial.triedCount, unusable: Object.fromEntries(trial.unusable) },
  };
}
