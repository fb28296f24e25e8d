/**
 * A regular expression that a person typed, over many texts, in bounded time: some expressions take exponential time,
 * and would block the server.
 */
import { createContext, Script } from 'node:vm';
import { MtrlError } from '../../core/errors.ts';

const timeoutMs = 2_000;
const script = new Script('texts.map((text) => pattern.test(text))');

/** Which of the texts match, ignoring case. Throws USAGE for an expression that is wrong or takes too long. */
export function textPattern(source: string): (texts: readonly string[]) => readonly boolean[] {
  const pattern = compiled(source);
  return (texts) => {
    try {
      return script.runInContext(createContext({ texts, pattern }), { timeout: timeoutMs }) as boolean[];
    } catch (cause) {
      throw new MtrlError('USAGE', 'the regular expression takes too long', {
        ...{ where: 'q', found: source, cause },
        hint: 'repeat nothing inside of what is repeated: `(a+)+` tries every way to cut the text',
      });
    }
  };
}

function compiled(source: string): RegExp {
  try {
    return new RegExp(source, 'iu');
  } catch (cause) {
    throw new MtrlError('USAGE', 'this is no regular expression', {
      where: 'q',
      found: cause instanceof Error ? cause.message : source,
      hint: 'write a backslash before each of . * + ? ^ $ { } ( ) | [ ] \\ that stands for itself',
      cause,
    });
  }
}
