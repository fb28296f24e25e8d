/** Names of tasks, from the files that their rows are in. */
import { posix } from 'node:path';
import type { GuessedTask } from './guess-task.ts';
import { splitNamed, wordsOf } from '../plan/split-words.ts';

export interface NamedTask {
  readonly task: GuessedTask;
  readonly name: string;
  /** Of the files that are never trained on; undefined if there are none. */
  readonly oodName: string | undefined;
}

const lengthMax = 40;
const oodWord = 'ood';

/** Lower-case letters, digits and dashes; `fallback` if nothing of that is left. */
export function slug(text: string, fallback = 'task'): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, lengthMax)
    .replace(/-+$/, '');
  return name === '' ? fallback : name;
}

export function taskNames(tasks: readonly GuessedTask[]): NamedTask[] {
  const taken = new Set<string>();
  const free = (name: string): string => {
    let found = name;
    for (let i = 2; taken.has(found); i++) found = `${name}-${i}`;
    taken.add(found);
    return found;
  };
  return tasks.map((task) => {
    const name = free(nameOf(task));
    const hasOod = task.splits.sources.some(({ isOod }) => isOod);
    return { task, name, oodName: hasOod ? free(`${name}-${oodWord}`) : undefined };
  });
}

/** Words that all files share, apart from those of splits and numbers of shards. */
function nameOf({ seen }: GuessedTask): string {
  const paths = seen.facts.sources.map(({ path }) => path);
  const lists = paths.map((path) =>
    wordsOf(path).filter((word) => splitNamed(word) === undefined && !/^\d+$|^of$/.test(word)),
  );
  const shared = (lists[0] ?? []).filter((word) => lists.every((list) => list.includes(word)));
  const folder = posix.basename(posix.dirname(paths[0] ?? ''));
  return slug(shared.join(' '), slug(folder));
}
