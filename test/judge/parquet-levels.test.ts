/** Runs that claim more values than their page has, which the decoder would write to memory. */
import { describe, expect, test } from 'vitest';
import { checkLevels, type PageLayout } from '../../judge/datasets/readers/parquet-levels.ts';

const [plainDictionary, rle] = [2, 3];
const page: PageLayout = {
  ...{ version: 1, valueCount: 8, nullCount: 0, encoding: plainDictionary },
  ...{ repetitionByteLength: 0, definitionByteLength: 0, isPacked: false },
};
const check = (bytes: readonly number[], changes: Partial<PageLayout>, definition: number) => {
  checkLevels(
    Uint8Array.from(bytes),
    bytes.length,
    'UNCOMPRESSED',
    { ...page, ...changes },
    { repetition: 0, definition },
  );
};
/** Bytes that begin with their own length. */
const sized = (...bytes: number[]): number[] => [bytes.length, 0, 0, 0, ...bytes];
/** Five of eight values are present. */
const levels = sized(3, 0b11111000);
/** A repeated value: its count, and itself. */
const run = (count: number): number[] => [(count << 1) & 0x7f, 1];
const endless = [0xfe, 0xff, 0xff, 0x7f, 1];

describe('dictionary indices', () => {
  test('of a column without nulls fill their page', () => {
    check([1, ...run(8)], {}, 0);
    expect(() => check([1, ...run(5)], {}, 0)).toThrow('runs end before their values');
    expect(() => check([1, ...endless], {}, 0)).toThrow('a run is longer than its page');
  });

  test('of a column with nulls may end before the page does, and never after it', () => {
    check([...levels, 1, ...run(5)], {}, 1);
    expect(() => check([...levels, 1, ...endless], {}, 1)).toThrow('a run is longer than its page');
  });
});

describe('booleans in runs', () => {
  test('are checked in both versions of pages', () => {
    for (const version of [1, 2] as const) {
      check(sized(...run(8)), { version, encoding: rle }, 0);
      expect(() => check(sized(...endless), { version, encoding: rle }, 0)).toThrow('a run is longer than its page');
    }
  });
});
