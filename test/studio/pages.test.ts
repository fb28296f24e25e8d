/**
 * The studio in a browser: from the score table to an example, its history, a label and its export; every view without
 * serious findings of axe, in light and dark; the same experiment as a folder without a server. With
 * MTRL_STUDIO_PICTURES, screenshots of a larger experiment are written to that folder, as those in docs/images.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { projectRoot } from '../../core/project.ts';
import { changedRecipe } from '../../recipes/load.ts';
import { writeBundle } from '../../studio/bundle/write-bundle.ts';
import { requireExperimentIndex } from '../../pipeline/reporting/experiment-index.ts';
import { type Library, openLibrary, type RunningExperiments } from '../../studio/library.ts';
import { serveStudio, type Studio } from '../../studio/server/serve-studio.ts';
import { recipeOf } from '../../pipeline/recipe-access.ts';
import { progress, runProgress } from '../cli/made-up.ts';
import { launchChromium } from '../support/chromium.ts';
import { needChromium } from '../support/needs.ts';
import { controlOf } from './control-of.ts';
import { hostile, makeExperiment, type Sizes, smallSizes } from './made-experiment.ts';
import { promoteTwice } from './promoted.ts';

const chromium = needChromium();
const id = 'demo';
const pictures = process.env['MTRL_STUDIO_PICTURES'];
const sizes: Sizes =
  pictures === undefined ? smallSizes : { stepCount: 14, promptCountPerStep: 8, groupSize: 8, testCount: 48 };
let folder = '';
let library: Library;
let studio: Studio;
let browser: Browser;
const complaints: string[] = [];

async function openPage(colorScheme: 'light' | 'dark', width = 1240): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height: 860 }, colorScheme });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('404')) complaints.push(message.text());
  });
  return page;
}

async function show(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await settled(page);
}

/** Waits until nothing is being read. The pages' policy allows no text that is evaluated in them, as `waitForFunction` does. */
async function settled(page: Page): Promise<void> {
  await until(page, '!/reading…|counting…/i.test(document.body.innerText)');
}

async function until(page: Page, expression: string): Promise<void> {
  await expect.poll(() => page.evaluate(expression)).toBe(true);
}

/** What ingestion makes of exported rows: new training data of the same task, by the settings of docs/studio.md. */
async function ingested(rows: readonly string[]) {
  const path = join(folder, 'exported.jsonl');
  await writeFile(path, rows.join('\n'));
  const safety = { kind: 'pointwise', labels: ['yes', 'no'], prompt: 'image <image> is it safe ? {{ mode_word }}' };
  const fields = { id: 'example_id', group: 'example_group', images: ['example_images.*'], votes: 'people_votes' };
  const { recipe } = changedRecipe(
    {
      ...{ name: 'labelled', policy: { checkpoint: join(projectRoot, 'recipes', 'demo-base') }, tasks: { safety } },
      datasets: [{ reader: 'jsonl', task: 'safety', split: 'test', path, fields, votes: { undecided: 'leave-out' } }],
      arms: { base: { objective: 'none', mode: 'direct' } },
    },
    [],
  );
  const { control, run } = controlOf(library.store);
  const prepared = await run(control.prepare, { recipe });
  const { exampleCount, quarantinedCount, imageCount } = await run(control.ingest, { recipe: prepared.recipe });
  return { exampleCount, quarantinedCount, imageCount };
}

const views = {
  overview: `#/e/${id}/overview`,
  rollouts: `#/e/${id}/rollouts?run=mt-rl%2Fs0&right=no`,
  group: `#/e/${id}/group?run=mt-rl%2Fs0&step=0&prompt=0`,
  evaluation: `#/e/${id}/evaluation?run=base%2Fs0&task=safety`,
  compare: `#/e/${id}/compare?task=safety`,
  example: `#/e/${id}/example?example=0`,
  data: `#/e/${id}/data`,
  lineage: `#/e/${id}/lineage?run=mt-rl%2Fs0`,
  label: `#/e/${id}/label?task=safety`,
  experiments: '#/',
  promotions: '#/promotions',
} as const;

describe.skipIf(chromium.isMissing)('in Chromium', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mtrl-studio-pages-'));
    const store = new ArtifactStore(new FolderObjectStore(join(folder, 'store')));
    await makeExperiment(store, folder, { experimentId: id, sizes });
    await promoteTwice(store, id);
    library = openLibrary(store, join(folder, 'tokenizers'));
    studio = await serveStudio(library, { port: 0, labeller: 'anna' });
    browser = await launchChromium(chromium.found ?? '');
  });
  afterAll(async () => {
    await browser.close();
    await studio.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('leads from a score to a cell, an example, its history over steps, a label, its export, and ingestion', async () => {
    const page = await openPage('light');
    await show(page, `${studio.address}#/e/${id}/overview`);
    await page
      .getByRole('row', { name: /^mt-rl .*seed 0/ })
      .getByRole('link')
      .nth(0)
      .click();
    await page.getByRole('heading', { name: 'Confusion' }).waitFor();
    const cells = page.locator('.confusion td a').filter({ hasNotText: /^0/ });
    await cells.first().click();
    await settled(page);
    expect(page.url()).toContain('verdict=');
    await page.locator('.rollout a.open').first().click();
    await page.getByRole('heading', { name: 'After training' }).waitFor();

    await page.getByRole('link', { name: 'Rollouts' }).click();
    await page.locator('.rollout a.open').first().click();
    await page.getByRole('link', { name: 'this example over all steps' }).click();
    await page.getByRole('heading', { name: 'In training: mt-rl/s0' }).waitFor();
    expect(await page.locator('.said a').count()).toBeGreaterThan(0);

    await page.getByRole('link', { name: 'Label' }).click();
    await page.locator('select').first().selectOption('safety');
    await page.locator('.answer-row button').first().waitFor();
    await settled(page);
    await page.keyboard.press('1');
    await page.getByText('You said yes').waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('1 labelled by you').waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'export as JSON Lines' }).click();
    const rows = (await readFile(await (await download).path(), 'utf8')).trim().split('\n');
    expect(rows.map((row) => JSON.parse(row) as object)).toMatchObject([
      { people_votes: ['yes'], people: [{ by: 'anna', order: 'random' }] },
    ]);
    expect(await ingested(rows)).toEqual({ exampleCount: 1, quarantinedCount: 0, imageCount: 1 });
    await page.close();
  });

  test('promotions show what the gate measured, beside the version before', async () => {
    const page = await openPage('light');
    await show(page, `${studio.address}${views.promotions}`);
    const newest = page.locator('.version').first();
    await newest.getByText(/against taste@1/).waitFor();
    await newest.getByRole('region', { name: 'What the gate measured for version 2' }).waitFor();
    expect(await newest.getByRole('columnheader').allInnerTexts()).toEqual([
      'rule',
      'measured',
      'limit',
      'verdict',
      'task',
      'score',
      'version 2',
      'taste@1',
    ]);
    await newest.getByRole('link', { name: 'safety' }).click();
    await page.getByRole('heading', { name: 'Confusion' }).waitFor();
    await page.close();
  });

  test('a run that makes no step while its page opens shows the newest step all the same', async () => {
    const { recipe } = await requireExperimentIndex(library.store, id);
    const last = { step: 4, reward: 0.5, loss: 0, gradientNorm: 1, learningRate: 1e-4, cachedCount: 0 };
    const told = progress([runProgress({ step: 5, last })], { experimentId: 'live' });
    const list: RunningExperiments['list'] = () =>
      Promise.resolve([{ experimentId: 'live', status: 'RUNNING', progress: told }]);
    const running: RunningExperiments = {
      list,
      find: async (wanted) => (await list()).find(({ experimentId }) => experimentId === wanted),
      recipeOf: () => recipeOf(library.cache, recipe),
    };
    const live = await serveStudio(openLibrary(library.store, join(folder, 'live'), running), { port: 0 });
    try {
      const page = await openPage('light');
      await show(page, `${live.address}#/e/live/rollouts`);
      await show(page, `${live.address}#/e/live/overview`);
      await page.locator('.chart polyline').first().waitFor({ state: 'attached' });
      await page.getByText('5 of 150').waitFor();
      await page.close();
    } finally {
      await live.close();
    }
  });

  test('keys go through rows, steps and views, and the filter is in the address', async () => {
    const page = await openPage('light');
    await show(page, `${studio.address}${views.rollouts.replace('&right=no', '')}`);
    await page.keyboard.press('ArrowRight');
    await settled(page);
    expect(page.url()).toContain('step=0');
    await page.getByLabel('Text (regular expression)').fill('answer> no');
    await until(page, "location.hash.includes('q=answer')");
    await page.locator('h1').click();
    await page.keyboard.press('a');
    await settled(page);
    expect(page.url()).not.toContain('step=');
    const texts = await page.locator('.rollout .text').allTextContents();
    expect(texts.length).toBeGreaterThan(0);
    expect(texts.every((text) => /answer> no/i.test(text))).toBe(true);
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    expect(
      await page.evaluate("[...document.querySelectorAll('.rollout a.open')].indexOf(document.activeElement)"),
    ).toBe(1);
    await page.keyboard.press('?');
    await page.getByRole('heading', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('3');
    await page.getByRole('heading', { name: 'Evaluation' }).waitFor();
    await page.close();
  });

  test('a picture opens above the page, and hostile text is shown as text', async () => {
    const page = await openPage('light');
    await show(page, `${studio.address}#/e/${id}/evaluation?run=base%2Fs0&task=safety`);
    const row = page.locator('.rollout', { hasText: hostile });
    await row.locator('.picture').click();
    await page.locator('dialog.lightbox img').waitFor();
    await page.keyboard.press('Escape');
    await show(page, `${studio.address}${views.data}`);
    await page.getByText(hostile.slice(0, 18)).first().waitFor();
    expect(await page.title()).toContain('Data');
    await show(page, `${studio.address}#/e/deleted/overview`);
    await page.getByText('There is no such experiment').waitFor();
    await page.close();
  });

  test.each(['light', 'dark'] as const)('every view is accessible and fits a phone: %s', async (scheme) => {
    const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    const page = await openPage(scheme);
    const found: string[] = [];
    for (const [name, address] of Object.entries(views)) {
      await page.setViewportSize({ width: 1240, height: 860 });
      await show(page, studio.address + address);
      if (pictures !== undefined) {
        const picture = sharp(await page.screenshot()).png({ palette: true });
        await picture.toFile(join(pictures, `studio-${name}-${scheme}.png`));
      }
      await page.evaluate(axe);
      const serious = await page.evaluate(async () => {
        const { axe: run } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
        const { violations } = await run.run();
        return violations
          .filter(({ impact }) => impact === 'serious' || impact === 'critical')
          .map(({ id: rule, nodes }) => `${rule}: ${nodes.map(({ html }) => html.slice(0, 90)).join(' | ')}`);
      });
      found.push(...serious.map((each) => `${name}: ${each}`));
      await page.setViewportSize({ width: 360, height: 760 });
      const excess = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
      if (excess > 0) found.push(`${name} is ${String(excess)} pixels wider than a phone`);
    }
    expect(found).toEqual([]);
    await page.close();
  });

  test('a folder opens without a server', async () => {
    const { page: file, fileCount } = await writeBundle(library, id, join(folder, 'bundle'));
    expect(fileCount).toBeGreaterThan(50);
    const page = await openPage('light');
    const { href } = pathToFileURL(file);
    await show(page, `${href}${views.overview}`);
    await page.getByRole('heading', { name: 'Scores' }).waitFor();
    await show(page, `${href}#/e/${id}/rollouts?run=mt-rl%2Fs0&step=1`);
    expect(await page.locator('.rollout').count()).toBeGreaterThan(4);
    await until(page, '[...document.images].every((image) => image.complete && image.naturalWidth > 0)');
    await page.locator('.rollout a.open').first().click();
    await page.getByRole('heading', { name: /^Group/ }).waitFor();
    await page.close();
  });

  test('no page has broken its policy or thrown an error', () => {
    expect(complaints).toEqual([]);
  });
});

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}
