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

test('answers of an endpoint are listed with their tokens and their cost, and their missing log-probs as a dash', () => {
  const data = madeUpReport();
  const [base, ...others] = data.runs;
  if (base === undefined) throw new Error('the made-up report has runs');
  const usage = { answerCount: 600, promptTokenCount: 1_200_000, completionTokenCount: 30_000 };
  const samples = { sampleCount: 4, passAt1: 0.6, passAtK: 0.9, majAtK: 0.7, majMacroF1: 0.7, agreement: 0.8 };
  const scores = base.scores.map((each) => ({ ...each, usage, samples }));
  const asked = renderReport({
    ...data,
    runs: [{ ...base, scores, prices: { promptPrice: 2.5, completionPrice: 10 } }, ...others],
  });
  const rows = [...parseHTML(asked).document.querySelectorAll('tr')].map((row) =>
    [...row.children].map((cell) => cell.textContent.trim()).join(' '),
  );
  expect(rows.filter((row) => row.includes('3.3000'))).toEqual([
    'base/s0 safety 600 1,200,000 30,000 3.3000',
    'base/s0 pair 600 1,200,000 30,000 3.3000',
  ]);
  expect(asked).not.toContain('NaN');
  expect(page).not.toContain('tokens of prompts');
});

test('says what the guards of an arm did and which ceiling ended a run, only where there is something to say', () => {
  const data = madeUpReport();
  const [first, ...others] = data.runs;
  if (first === undefined) throw new Error('the made-up report has runs');
  const skips = Array.from({ length: 21 }, (_, step) => {
    return { code: 'POLICY_COLLAPSED', step, found: hostile, outcome: 'skipped' } as const;
  });
  const rewind = { code: 'NON_FINITE', step: 0, found: 'NaN', outcome: 'rewound', toStep: 0 } as const;
  const ceiling = { ceiling: 'byteLengthMax', found: 12, allowed: 10, stepCount: 9 } as const;
  const runs = [{ ...first, incidents: [rewind, ...skips], ceiling }, ...others];
  const told = parseHTML(renderReport({ ...data, runs })).document.querySelector('#incidents');
  const rows = [...(told?.querySelectorAll('tbody tr') ?? [])].map((row) =>
    [...row.children].map((cell) => cell.textContent),
  );
  expect(rows).toHaveLength(20);
  expect(rows.slice(0, 2)).toEqual([
    [first.runName, '0', 'NON_FINITE', 'went on from step 0, with other draws', 'NaN'],
    [first.runName, '0', 'POLICY_COLLAPSED', 'skipped', hostile],
  ]);
  expect(told?.textContent).toContain(`2 more in ${first.runName}`);
  expect(told?.textContent).toContain(
    `${first.runName} ended after 9 steps, at its ceiling: byteLengthMax 10, found 12`,
  );
  expect(document.querySelector('#incidents')).toBeNull();
});

test('says which checkpoint was selected, its score, and that of the last step, only where validation selected one', () => {
  const data = madeUpReport();
  const [first, ...others] = data.runs;
  if (first === undefined) throw new Error('the made-up report has runs');
  const ref = { uri: 'file:///a', sha256: 'a', byteLength: 1 };
  const validations = [0.5, 0.91, 0.62].map((score, i) => ({ step: 20 * (i + 1), score }));
  const selection = {
    ...({ split: 'val', metric: 'macroF1', endedEarly: true, validations, last: { step: 60, score: 0.62 } } as const),
    best: { step: 40, score: 0.91, snapshot: ref, checkpoint: ref },
  };
  const selected = parseHTML(renderReport({ ...data, runs: [{ ...first, selection }, ...others] })).document;
  const cells = [...selected.querySelectorAll('#selection tbody td')].map((cell) => cell.textContent);
  expect(cells).toEqual([
    ...[first.runName, 'val', 'Macro-F1', '40 steps', '91.0', '60 steps', '62.0', 'early, at a plateau'],
  ]);
  expect(selected.querySelectorAll('#selection .chart svg path').length).toBeGreaterThan(0);
  expect(document.querySelector('#selection')).toBeNull();
});

test('entropy, length, KL and the most frequent verdict are drawn where steps have them', () => {
  const data = madeUpReport();
  const runs = data.runs.map((run) => ({
    ...run,
    curve: run.curve.map(({ byTask = [], ...point }) => ({
      ...{ ...point, entropy: 0.5, completionTokenCount: 12, klMean: 0.01, samplerKlMean: 1e-12 },
      byTask: byTask.map((task) => ({ ...task, commonVerdictRate: 0.9 })),
    })),
  }));
  const drawn = parseHTML(renderReport({ ...data, runs })).document;
  const titles = [...drawn.querySelectorAll('#training h3, #training figcaption')].map((each) =>
    each.firstChild?.textContent.trim(),
  );
  expect(titles).toEqual(expect.arrayContaining(['Entropy', 'Length', 'KL', 'Sampler KL', 'Verdicts by task']));
  expect(titles.filter((title) => title === 'safety')).toHaveLength(2);
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
    expect(rows[2]).toContain('published metric: right in all orders 80.0');
    expect(rows[3]).toContain('majority');
    expect(rows[4]).toContain('71.0 61.0–77.0');
  });

  test('a sentence says what pixels alone reach, and which judges lose to it', () => {
    const text = document.querySelector('#answer')?.textContent.replace(/\s+/g, ' ');
    expect(text).toContain(`Left out because it is missing: hpdv3: ${hostile}: there is no file`);
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

  const rowsUnder = (section: string, title: string): string[] => {
    const heads = [...document.querySelectorAll(`#${section} h3, #${section} summary`)];
    const table = heads.find((head) => head.textContent.includes(title))?.nextElementSibling;
    return [...(table?.querySelectorAll('tbody tr') ?? [])].map((row) =>
      [...row.querySelectorAll('td')].map((cell) => cell.textContent.trim()).join(' | '),
    );
  };

  test('the agreement of people stands beside that of the judge', () => {
    expect(rowsUnder('reliability', 'One person and the judge')[0]).toBe(
      'base/s0 | safety | 9 | 81.0 | 71.0 | 82.0 | 72.0 | 0.63 | 0.43 | – | 0.50 | -10.0 (-20.0 to -5.0)',
    );
    expect(rowsUnder('reliability', "Krippendorff's alpha")[0]).toBe(
      'base/s0 | safety | nominal | 4.5 | 0.62 | 0.58 | 0.41',
    );
    expect(rowsUnder('reliability', 'Kappa and base rates')[0]).toBe(
      `base/s0 | safety | 70.0 | 55.0 | 0.40 | ${hostile} 25.0 → 40.0`,
    );
  });

  test('groups have acc+, the Ties score, and a table for each slice, of bounded length', () => {
    expect(rowsUnder('groups', 'acc+')[0]).toBe('base/s0 | safety | 1,234 | 34.5 | 70.0');
    expect(rowsUnder('groups', 'Ties score')).toHaveLength(3);
    expect(rowsUnder('groups', 'Ties score')[0]).toBe(
      'base/s0 | safety | 51 | 95.0 | 91.0 | 92.0 | 93.0 | 94.0 | -0.25 | 3',
    );
    const slices = rowsUnder('groups', `base/s0: safety by ${hostile}`);
    expect(slices).toHaveLength(15);
    expect(slices[0]).toBe('mean of 40 values | 600 | – | 50.5 | 0.10');
    expect(slices[2]).toBe('(none) | 19 | – | 50.0 | –');
    expect(slices.slice(-2)).toEqual([
      '8 more values, in the data of the report',
      '20 other values together | 77 | 10.0–20.0 | 15.0 | –',
    ]);
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
