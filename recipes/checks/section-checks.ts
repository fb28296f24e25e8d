/** Checks of rationales against the sections of their tasks. */
import { type RecipeProblem, valueText } from './problem.ts';
import type { Recipe } from '../recipe.ts';

/** A dataset of a task with sections gives each of them, and no dataset of another task gives any. */
export function sectionProblems({ tasks, datasets }: Recipe): RecipeProblem[] {
  return datasets.flatMap((dataset, i): RecipeProblem[] => {
    if (dataset.reader === 'judge-world' || dataset.rationale === undefined) return [];
    const { rationale, task } = dataset;
    const sections = tasks[task]?.sections;
    const path = ['datasets', i, 'rationale'];
    if (typeof rationale === 'string') {
      if (sections === undefined) return [];
      return [{ path, found: 'one text', allowed: `a template for each section of ${task}: ${sections.join(', ')}` }];
    }
    const named = Object.keys(rationale);
    if (sections === undefined) {
      return [{ path, found: valueText(named), allowed: `one text, because ${task} has no sections` }];
    }
    const isSame = named.length === sections.length && sections.every((name) => named.includes(name));
    if (isSame) return [];
    return [
      { path, found: valueText(named), allowed: `a template for each section of ${task}: ${sections.join(', ')}` },
    ];
  });
}
