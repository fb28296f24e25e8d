/** Marks in a row's text that stand for images, in the form that the recipe names (`imageMark`). */

import { literalPattern } from '../../core/literal-pattern.ts';
import type { Candidate, Example } from '../example.ts';

type Part = { readonly text: string } | { readonly image: string };

/** Text, and the marks of templates (`<image>`, `<image:0>`) in place of the row's own. */
export function splitAtImages(text: string, imageMark: string | undefined): Part[] {
  if (imageMark === undefined) return [{ text }];
  const isNumbered = imageMark.includes('{n}');
  const pattern = RegExp(imageMark.split('{n}').map(literalPattern).join('\\s*(\\d{1,3})\\s*'));
  // Of a numbered mark, every second part is the number.
  return text.split(isNumbered ? pattern : imageMark).flatMap((part, i): Part[] => {
    if (isNumbered && i % 2 === 1) return [{ image: `<image:${Number(part) - 1}>` }];
    return !isNumbered && i > 0 ? [{ image: '<image>' }, { text: part }] : [{ text: part }];
  });
}

/** The example without its images, and without the marks of them in its text. */
export function withoutImages({ imageMark, fields, context, candidates, ...example }: Example): Example {
  const textOf = (text: string): string =>
    splitAtImages(text, imageMark)
      .map((part) => ('text' in part ? part.text : ' '))
      .join('');
  const plain = Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, textOf(text)]));
  const textsIn = (parts: Candidate): Candidate => parts.filter((part) => 'text' in part);
  return {
    ...{ ...example, fields: plain, images: [] },
    ...(context && {
      context: Object.fromEntries(Object.entries(context).map(([name, parts]) => [name, textsIn(parts)])),
    }),
    ...(candidates && { candidates: candidates.map(textsIn) }),
  };
}
