/** The class of each row's label, so that a mixture can draw every class equally often without reading examples. */
import { assert, required } from '../../../core/assert.ts';
import type { Recipe } from '../../../recipes/recipe.ts';
import { classOf, hasClasses } from '../../kinds/table.ts';
import type { RowFacts } from '../rows/row-facts.ts';
import type { SplitColumn } from '../rows/split-column.ts';

/** Class of dropped rows, and of tasks whose labels are not classes. */
export const noClass = 0xffff;

export interface RowClasses {
  /** In the order of their first rows. At most one for each label that a task of the recipe declares. */
  readonly names: readonly string[];
  /** Per row: index into `names`, or `noClass`. */
  readonly ofRow: Uint16Array;
}

/** `facts` has the labels that examples are shown with, after any random order of their candidates. */
export function rowClassesOf({ tasks }: Pick<Recipe, 'tasks'>, facts: RowFacts, splits: SplitColumn): RowClasses {
  const indices = new Map<string, number>();
  const ofRow = new Uint16Array(facts.rowCount).fill(noClass);
  for (let row = 0; row < facts.rowCount; row++) {
    const { task: name, label } = facts.kindOf(row);
    const task = required(tasks[name], `task ${name}`);
    if (splits.at(row) === undefined || !hasClasses(task)) continue;
    const itsClass = classOf(task, label);
    const index = indices.get(itsClass) ?? indices.size;
    indices.set(itsClass, index);
    ofRow[row] = index;
  }
  assert(indices.size < noClass, `${indices.size} classes`);
  return { names: [...indices.keys()], ofRow };
}
