/** The table of engines and checks in docs/backends.md is of the suite as it is now, and of the log that docs keep. */
import { expect, it } from 'vitest';
import {
  conformanceColumns,
  conformanceTable,
  loggedResults,
  tableOf,
  withTable,
} from '../support/conformance-table.ts';
import { textOf } from '../support/source-files.ts';

/** Titles of the suite's checks, with those of their groups, in order. */
function suiteChecks(): string[] {
  const titles = textOf('test/policy/engine-conformance.ts').matchAll(/^ +(describe|test)\('([^']+)'/gm);
  let group = '';
  const checks: string[] = [];
  for (const [, call, title = ''] of titles) {
    if (call === 'describe') group = title;
    else checks.push(`${group}: ${title}`);
  }
  return checks;
}

const hint = 'run `npm run test:conformance`';
const page = textOf('docs/backends.md');

it('has every check of the suite, and no other', () => {
  const [first] = tableOf(page);
  expect([...(first?.results.keys() ?? [])], hint).toEqual(suiteChecks());
  expect(suiteChecks().length).toBeGreaterThan(20);
});

it('has a column for each engine, and no failure', () => {
  const columns = tableOf(page);
  expect(
    columns.map(({ title }) => title),
    hint,
  ).toEqual(conformanceColumns.map(({ title }) => title));
  for (const { title, results } of columns)
    expect(new Set([...results.values(), 'passed', 'not run here']), title).toEqual(
      new Set(['passed', 'not run here']),
    );
});

it('gives what the log of the real server says', () => {
  const logged = loggedResults(textOf('docs/tinker.md'));
  expect(logged.size).toBeGreaterThan(20);
  expect(tableOf(page).at(-1)?.results, hint).toEqual(logged);
});

it('is written in the place of the one before', () => {
  const [check, other] = ['samples: a token', 'trains: towards a lower loss'];
  const columns = [
    { title: 'one', results: new Map([[check, 'passed']]) },
    { title: 'two', results: new Map([[other, 'failed']]) },
  ];
  const written = withTable(withTable(page, 'an earlier one'), conformanceTable(columns));
  expect(tableOf(written)).toEqual([
    {
      title: 'one',
      results: new Map([
        [check, 'passed'],
        [other, 'not run here'],
      ]),
    },
    {
      title: 'two',
      results: new Map([
        [check, 'not run here'],
        [other, 'failed'],
      ]),
    },
  ]);
  expect(written.split('an earlier one')).toHaveLength(1);
  expect(written.split('## Engines and checks')[0]).toBe(page.split('## Engines and checks')[0]);
});
