/** The guide of the fuzzer reaches code that blind inputs do not, with the same inputs every time. */
import { runInThisContext } from 'node:vm';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BlockCoverage } from './block-coverage.ts';
import { fuzzTarget, type FuzzTarget, type Outcome } from './fuzz-target.ts';
import { GuidedInputs } from './guided.ts';

/** Each letter of a word leads one block further: the whole word is unlikely by chance. */
const source = `'use strict';
(text) => {
  if (text[0] !== 'f') return 0;
  if (text[1] !== 'u') return 1;
  if (text[2] !== 'z') return 2;
  if (text[3] !== 'z') return 3;
  return 4;
}`;
const letters = fc.constantFrom('a', 'e', 'f', 'u', 'x', 'y', 'z');
const inputCount = 500;

function madeUpTarget(serial: string): FuzzTarget {
  // A script of its own each time, whose blocks no earlier run has reached.
  const depthOf = runInThisContext(source, { filename: `file:///made-up/${serial}.js` }) as (text: string) => number;
  const texts = fc.array(letters, { minLength: 4, maxLength: 4 }).map((all) => all.join(''));
  const near = (text: string) =>
    fc.tuple(fc.nat(3), letters).map(([at, letter]) => `${text.slice(0, at)}${letter}${text.slice(at + 1)}`);
  return fuzzTarget(texts, (text) => Promise.resolve(`depth ${String(depthOf(text))}`), { near });
}

const deepest = (outcomes: readonly Outcome[]): number =>
  Math.max(...outcomes.map((outcome) => (outcome.kind === 'refused' ? Number(outcome.code.split(' ')[1]) : 0)));

async function guided(serial: string): Promise<Outcome[]> {
  const coverage = new BlockCoverage();
  try {
    const inputs = new GuidedInputs(madeUpTarget(serial), coverage);
    coverage.look();
    const outcomes: Outcome[] = [];
    for (let seed = 0; seed < inputCount; seed++) outcomes.push(await inputs.run(seed));
    return outcomes;
  } finally {
    coverage.close();
  }
}

it('reaches every block where blind inputs do not, and does so again', async () => {
  const target = madeUpTarget('blind');
  const blind: Outcome[] = [];
  for (let seed = 0; seed < inputCount; seed++) blind.push((await target.run(seed)).outcome);
  expect(deepest(blind)).toBeLessThan(4);

  const first = await guided('first');
  expect(deepest(first)).toBe(4);
  expect(await guided('second')).toEqual(first);
});
