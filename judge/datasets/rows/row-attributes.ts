/** Values of row fields by which a task's scores are grouped: slices, groups of acc+, prompts of the Ties score. */
import { sha256 } from '../../../core/json.ts';
import type { TaskSpec } from '../../../recipes/recipe.ts';
import type { Example } from '../../example.ts';
import { type Row, textField, valueAt } from './jsonl-row.ts';

/** Longer values are cut, with a digest in place of the rest. */
const lengthMax = 120;

/** Row fields that the scores of the task are grouped by, whether or not a prompt uses them. */
export function attributeFields({ slices = [], accPlusBy, tiesScoreBy }: TaskSpec): string[] {
  return [...new Set([...slices, accPlusBy, tiesScoreBy])].filter((name) => name !== undefined);
}

/**
 * A row without a value for a slice has none in the slice. UnusableRow FIELD_MISSING for a value that is not text, and
 * without one that names a group.
 */
export function attributesOf(row: Row, task: TaskSpec): Pick<Example, 'attributes'> {
  const groups = [task.accPlusBy, task.tiesScoreBy];
  const names = attributeFields(task).filter((name) => groups.includes(name) || (valueAt(row, name) ?? null) !== null);
  if (names.length === 0) return {};
  return { attributes: Object.fromEntries(names.map((name) => [name, shortened(textField(row, name))])) };
}

function shortened(text: string): string {
  if (text.length <= lengthMax) return text;
  return `${text.slice(0, lengthMax)}… ${sha256(new TextEncoder().encode(text)).slice(0, 12)}`;
}
