/**
 * Added tokens with `single_word` are found only where no letter, digit or underscore touches them, as in the Rust
 * library; the library used here finds them anywhere.
 */

/** `\w` of the Rust library's regular expressions. */
const wordAtEnd = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;
const wordAtStart = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;

/**
 * Joins tokens that words touch to the text around them.
 * @param parts text and tokens in their order, as the library splits them
 * @param before the text before the first part; `after`: that after the last
 */
export function joinTouched(
  parts: readonly string[],
  isSingleWord: (part: string) => boolean,
  isToken: (part: string) => boolean,
  [before, after]: readonly [before: string, after: string] = ['', ''],
): readonly string[] {
  if (!parts.some(isSingleWord)) return parts;
  const joined: string[] = [];
  let isOpen = false;
  for (const [i, part] of parts.entries()) {
    const isTouched = wordAtEnd.test(parts[i - 1] ?? before) || wordAtStart.test(parts[i + 1] ?? after);
    const isText = isSingleWord(part) ? isTouched : !isToken(part);
    if (isText && isOpen) joined.push((joined.pop() ?? '') + part);
    else joined.push(part);
    isOpen = isText;
  }
  return joined;
}
