/** Labels that no answer can say, or that an answer could mean two of, and values of rows that are mapped twice. */
import { sameName } from '../../judge/kinds/row-label.ts';
import { type RecipePath, type RecipeProblem, valueText } from './problem.ts';
import type { Recipe, TaskSpec } from '../recipe.ts';

export function labelProblems({ tasks, datasets }: Recipe): RecipeProblem[] {
  const ofTasks = Object.entries(tasks).flatMap(([task, spec]) => {
    const own = Object.entries(spec.criteria ?? {}).flatMap(([name, labels]) =>
      labels === null || !Array.isArray(labels) ? [] : problemsOf(['tasks', task, 'criteria', name], labels, spec),
    );
    return [...problemsOf(['tasks', task, 'labels'], spec.labels, spec), ...own];
  });
  const ofMaps = datasets.flatMap((dataset, i): RecipeProblem[] => {
    if (dataset.reader === 'judge-world') return [];
    const twice = sameName(Object.keys(dataset.labelMap));
    if (twice === undefined) return [];
    const allowed = `one of them: a row's value ${valueText(twice[1])} is also ${valueText(twice[0])}`;
    return [{ path: ['datasets', i, 'labelMap', twice[1]], found: valueText(twice[1]), allowed }];
  });
  return [...ofTasks, ...ofMaps];
}

function problemsOf(path: RecipePath, labels: readonly string[], { verdictFormat }: TaskSpec): RecipeProblem[] {
  const unsayable = labels.flatMap((label): RecipeProblem[] => {
    const allowed = sayable(label, verdictFormat);
    return allowed === undefined ? [] : [{ path, found: valueText(label), allowed }];
  });
  if (unsayable.length > 0) return unsayable;
  const twice = sameName(labels) ?? sameName(labels.map((label) => label.toLowerCase()));
  if (twice === undefined) return [];
  const [first, second] = twice;
  const found = first === second ? `${valueText(first)} twice` : `${valueText(first)} and ${valueText(second)}`;
  return [{ path, found, allowed: 'labels that differ by more than case, white space or the form of a number' }];
}

/** What labels must be instead; undefined if an answer can say this one. */
function sayable(label: string, format: TaskSpec['verdictFormat']): string | undefined {
  if (label !== label.trim()) return 'a label without white space around it, which answers are read without';
  if (/<\/?(?:think|answer)>/.test(label) && (format ?? 'tagged') === 'tagged')
    return 'a label without the tags of answers';
  return format === 'last-line' && label.includes('\n') ? 'a label of one line, as answers are' : undefined;
}
