import { describe, expect, it } from 'vitest';
import { errorCodes, exitCodeOf, isErrorCode, MtrlError } from '../../core/errors.ts';
import { expectNone } from '../support/expect-none.ts';
import { projectFiles, textOf } from '../support/source-files.ts';

/** Heading -> codes of the rows below it. */
const sections = textOf('docs/troubleshooting.md')
  .split(/^## /m)
  .slice(1)
  .map((text) => ({
    heading: text.split('\n')[0] ?? '',
    text,
    codes: [...text.matchAll(/^\| `([A-Z_]+)` \| \S.* \| \S.* \|$/gm)].map(([, code = '']) => code),
  }));
const inPage = sections.flatMap(({ codes }) => codes);

describe('docs/troubleshooting.md', () => {
  it('has every error code once, with its meaning and remedy, and no other code', () => {
    expect([...inPage].sort()).toEqual([...errorCodes].sort());
  });

  it('states for each code whether it is retried, and the exit code of commands', () => {
    for (const { heading, text, codes } of sections) {
      const errors = codes.filter(isErrorCode).map((code) => new MtrlError(code, ''));
      expectNone(errors.filter((error) => error.retryable !== (heading === 'Environment')).map(({ code }) => code));
      const exitCode = Number(/exit code (\d)/i.exec(text)?.[1] ?? 1);
      expectNone(errors.filter((error) => exitCodeOf(error) !== exitCode).map(({ code }) => code));
    }
  });

  it('lists no code that nothing throws', () => {
    const code = projectFiles().filter((path) => /^(?!test\/|bench\/|core\/errors).*\.(ts|mjs)$/.test(path));
    const thrown = code.map(textOf).join('\n');
    expectNone(errorCodes.filter((name) => !new RegExp(`\\b${name}\\b`).test(thrown)));
  });
});

/** Values of a union type in judge/example.ts, from its name or field to the next semicolon. */
function wordsOf(start: string): string[] {
  const [, rest = ''] = textOf('judge/example.ts').split(start);
  return [...rest.slice(0, rest.indexOf(';')).matchAll(/'([\w-]+)'/g)].map(([, word = '']) => word);
}

describe('outcomes that are not errors have documented reasons', () => {
  it.each([
    ['docs/data.md', 'code of a quarantined row', 'readonly code:', 12],
    ['docs/judging.md', 'reason of an unparsable answer', 'type UnparsableReason =', 17],
  ] as const)('%s explains every %s', (page, _what, start, wordCount) => {
    const words = wordsOf(start);
    expect(words).toHaveLength(wordCount);
    const rows = textOf(page)
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|')[1] ?? '');
    expectNone(words.filter((word) => !rows.some((cell) => cell.includes(`\`${word}\``))));
  });
});
