/** The rationale of an answer that could not be read. */
import type { VerdictFormat } from '../../recipes/fields/task-fields.ts';
import { rationaleTags, verdictTags } from './completion.ts';

/** What stands in the tags, to the end of a text that does not close them; '' for other formats than `tagged`. */
export function rationaleSoFar(text: string, format: VerdictFormat = 'tagged'): string {
  const { open, close } = rationaleTags;
  const start = text.indexOf(open);
  if (format !== 'tagged' || start < 0) return '';
  const [rationale = ''] = text.slice(start + open.length).split(new RegExp(`${close}|${open}|${verdictTags.open}`));
  return rationale.trim();
}
