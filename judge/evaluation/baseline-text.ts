/** Baselines that read nothing, in words, and the judges that do not beat them. */
import type { TaskScores } from './task-scores.ts';

export interface NamedScores {
  readonly name: string;
  readonly scores: readonly TaskScores[];
}

/** One line for each task that compares candidates. */
export function baselineLines(judges: readonly NamedScores[]): string[] {
  const tasks = [...new Set(judges.flatMap(({ scores }) => scores.map(({ task }) => task)))];
  return tasks.flatMap((task) => {
    const own = judges.flatMap(({ name, scores }) =>
      scores
        .filter((each) => each.task === task)
        .map((each) => ({ name, accuracy: each.accuracy, of: each.baselines })),
    );
    const of = own[0]?.of;
    if (of === undefined) return [];
    const named = [
      ['always first', of.alwaysFirst],
      ['longest', of.longest],
      ['shortest', of.shortest],
    ] as const;
    const known = named.flatMap(([name, accuracy]) => (accuracy === undefined ? [] : [{ name, accuracy }]));
    const best = known.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
    const behind = own.filter(({ accuracy }) => accuracy <= best.accuracy).map(({ name }) => name);
    const said = known.map(({ name, accuracy }) => `${name} ${percent(accuracy)}`).join(', ');
    const verdict = behind.length === 0 ? '' : `; not above "${best.name}", so nothing learned: ${behind.join(', ')}`;
    return [`${task}: accuracy without reading: ${said}${verdict}`];
  });
}

const percent = (share: number): string => (100 * share).toFixed(1);
