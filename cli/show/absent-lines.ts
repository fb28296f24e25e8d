/** Data that a run went on without. */
import { absentTexts } from '../../recipes/absent-data.ts';
import type { AbsentData } from '../../recipes/fields/absent-data-field.ts';

export function absentLines(absent: readonly AbsentData[] = []): string[] {
  return absent.length === 0
    ? []
    : ['left out because it is missing:', ...absentTexts(absent).map((text) => `  ${text}`)];
}
