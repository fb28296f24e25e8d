import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import { renderReport } from '../../judge/report/render.ts';
import { hostile, madeUpReport } from './made-up.ts';

const page = renderReport(madeUpReport());
const { document } = parseHTML(page);

test('external text cannot become markup', () => {
  expect(document.querySelectorAll('script')).toHaveLength(0);
  expect(page).not.toContain('<script');
  expect(document.querySelector('h1')?.textContent).toBe(hostile);
  expect(document.querySelector('.card .prompt')?.textContent).toBe(hostile);
});

test('the file refers to nothing outside itself', () => {
  const addresses = [...document.querySelectorAll('[src], link, iframe, object, use')].map(
    (element) => element.getAttribute('src') ?? element.outerHTML,
  );
  expect(addresses.filter((address) => !address.startsWith('data:'))).toEqual([]);
  expect([...document.querySelectorAll('a')].every((link) => link.getAttribute('href')?.startsWith('#'))).toBe(true);
  expect(page).not.toMatch(/url\(|@import/);
});

test('equal data give equal bytes', () => {
  expect(renderReport(madeUpReport())).toBe(page);
});

describe('every section shows its part', () => {
  test('the table has a row per run and the majority, and the order checks of the unseen task', () => {
    const rows = [...document.querySelectorAll('#answer table.scores tbody tr')].map((row) =>
      row.textContent.replace(/\s+/g, ' '),
    );
    expect(rows).toHaveLength(5);
    expect(rows[2]).toContain('99.0 98.0–100.0');
    expect(rows[2]).toContain('first position 50.0 %');
    expect(rows[3]).toContain('majority');
    expect(rows[4]).toContain('71.0 61.0–77.0');
  });

  test('a sentence says what pixels alone reach, and which judges lose to it', () => {
    const text = document.querySelector('#answer')?.textContent.replace(/\s+/g, ' ');
    expect(text).toContain(`grey pixels and ${hostile} of 4096 of 9000 training rows: accuracy 90.0, Macro-F1 71.0`);
    expect(text).toContain('not above it, so nothing learned: base/s0.');
  });

  test('curves are drawn for trained runs, also by task', () => {
    const titles = [...document.querySelectorAll('.chart figcaption')].map(
      (caption) => caption.firstChild?.textContent,
    );
    expect(titles).toEqual([
      'Reward',
      'Accuracy',
      'Format',
      'Informative groups',
      'Gradient norm',
      'Log-prob difference',
      'safety',
      'Loss',
      'Gradient norm',
    ]);
    expect(
      [...document.querySelectorAll('.chart svg path')].some((path) => path.getAttribute('d')?.includes('NaN')),
    ).toBe(false);
  });

  test('rollouts are grouped by outcome', () => {
    for (const outcome of ['right', 'wrong', 'unparsable'])
      expect(document.querySelectorAll(`.show-${outcome} .card.${outcome}`)).toHaveLength(1);
  });

  test('the lineage leads from files to each policy, through the steps of trained runs', () => {
    const boxes = [...document.querySelectorAll('.lineage g')].map((box) => box.querySelector('title')?.textContent);
    expect(boxes).toEqual(
      expect.arrayContaining([
        `${hostile.split('/').at(-1) ?? ''}: ${'e'.repeat(12)}`,
        '100 examples: 120 images',
        '40 steps: on labels',
        '40 steps: 320 rollouts and rewards',
        `mt-rl/s0: policy ${'a'.repeat(12)}`,
      ]),
    );
    // Source to dataset; dataset to steps, steps to policy and start to steps of two runs.
    expect(document.querySelectorAll('.lineage path')).toHaveLength(7);
  });

  test('quarantine, leaks, digests and cost are shown', () => {
    const text = document.body.textContent;
    for (const part of ['LABEL_UNKNOWN', 'Leaks: in training and test data', 'c'.repeat(64), '1 min 01 s'])
      expect(text).toContain(part);
  });

  test('a truncated list is marked, with the address of the full list', () => {
    const text = document.body.textContent;
    expect(text).toContain('the first 1 of 300; in full: mtrl fetch s3://mtrl/quarantine');
    expect(text).toContain('all; in full: mtrl fetch s3://mtrl/leaks');
  });
});

test('renders an experiment without training and rollouts', () => {
  const data = madeUpReport();
  const bare = renderReport({ ...data, runs: data.runs.slice(0, 1), rollouts: [], environment: {}, artifacts: [] });
  expect(bare).toContain('This experiment has no training runs.');
  expect(bare).toContain('No answers were sampled for the report.');
  expect(renderReport({ ...data, runs: [] })).toContain('Results');
});

describe('the reliability of a judge', () => {
  const sectionText = (id: string): string => document.querySelector(`#${id}`)?.textContent.replace(/\s+/g, ' ') ?? '';

  test('shows confusion, calibration, samples and rationales if they were measured', () => {
    const text = sectionText('reliability');
    for (const part of [
      'kappa',
      'verdict-missing 1.0',
      'calibration error',
      'right in both',
      'maj@k',
      'contradicted by the verdict',
    ])
      expect(text).toContain(part);
  });

  test('places a bar of the reliability diagram at its confidence', () => {
    const bars = document.querySelectorAll('#reliability svg.calibration')[0]?.querySelectorAll('rect') ?? [];
    expect([...bars].map((bar) => ['x', 'y', 'height'].map((name) => Number(bar.getAttribute(name))))).toEqual([
      [50, expect.closeTo(20), expect.closeTo(80)],
    ]);
  });

  test('shows the effect of a probe, and why one was refused', () => {
    const text = sectionText('probes');
    expect(text).toContain('blank-image');
    expect(text).toContain('40.0 30.0–50.0');
    expect(text).toContain('same 60.0 %');
    expect(text).toContain(hostile.slice(0, 8));
  });

  test('shows paired tests with their differences and stars', () => {
    expect(document.querySelector('#answer details')?.textContent).toContain('+37.0');
    expect(document.querySelector('#answer details')?.textContent).toContain('**');
  });
});
