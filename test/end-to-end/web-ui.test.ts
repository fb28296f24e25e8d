/**
 * The Temporal Web UI of the local stack, as a person sees it: the list with our columns, the details of a run, and of
 * a failed experiment.
 *
 * Record the screenshots of docs/monitoring.md with: MTRL_RECORD_SCREENSHOTS=1 npx vitest run
 * test/end-to-end/web-ui.test.ts
 */
import { join } from 'node:path';
import type { Browser, FrameLocator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openArtifactStore } from '../../artifacts/store/open-store.ts';
import { startOrAttach } from '../../cli/temporal/experiments.ts';
import { projectRoot } from '../../core/project.ts';
import { parseRecipe } from '../../recipes/load.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { launchChromium } from '../support/chromium.ts';
import { needChromium } from '../support/needs.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { WholeStack } from './whole-stack.ts';

const recording = process.env['MTRL_RECORD_SCREENSHOTS'] === '1';
const chromium = needChromium();

const columns = ['Status', 'Workflow ID', 'MtrlState', 'MtrlStep', 'MtrlMacroF1', 'MtrlArm', 'Type', 'Start'];
const studioUrl = 'http://127.0.0.1:8720/';
const runId = 'judge-7/mt-rl/s0';
/** A screenshot shows a longer run. */
const stepCount = recording ? 24 : 8;

describe.skipIf(chromium.isMissing)('the Web UI', () => {
  let stack: WholeStack;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    [stack, browser] = await Promise.all([WholeStack.start(), launchChromium(chromium.found ?? '')]);
    page = await pageWithColumns(browser, stack.settings.temporal.namespace);
    const recipe = tinyRecipe({ sftStepCount: 40, grpoStepCount: stepCount });
    await started(stack, 'judge-7', recipe);
    await stack.startExperiment('judge-6', { ...recipe, seeds: [] });
    await stack.result('judge-7');
  });

  afterAll(async () => {
    await browser.close();
    await stack.stop();
  });

  it('lists workflows with our columns', async () => {
    await page.goto(`${namespaceUrl(stack)}/workflows`);
    const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: runId, exact: true }) });
    await row.waitFor();
    const headers = await page.getByRole('columnheader').allInnerTexts();
    expect(headers).toEqual(expect.arrayContaining(columns));
    const steps = String(stepCount);
    const ofRun = `Completed\\s+judge-7/mt-rl/s0\\s+done\\s+${steps}\\s+mt-rl\\s+run`;
    expect(await row.innerText()).toMatch(new RegExp(ofRun));
    const evaluation = page.getByRole('row').filter({ hasText: `${runId}/evaluate` });
    expect(await evaluation.innerText()).toMatch(/done\s+0\.\d+/);
    await record(page, 'web-ui-list');
  });

  it('shows the steps, the reward curve and the links of a run', async () => {
    const text = await detailsOf(page, stack, runId);
    expect(text).toMatch(/mt-rl\/s0 · done/);
    expect(text).toMatch(new RegExp(`reward [▁▂▃▄▅▆▇█]{${String(stepCount)}}`));
    expect(text).toMatch(/step\s+reward\s+accuracy\s+format\s+loss/);
    expect(text).toMatch(/arm mt-rl, seed 0, direct/);
    await record(page, 'web-ui-run');
  });

  it('shows the recipe of an experiment, its runs, its scores and the command that opens its report', async () => {
    const text = await detailsOf(page, stack, 'judge-7');
    for (const part of ['sft-start direct, sft, 40 steps', 'pair-safety pairwise, OOD', 'mtrl report judge-7 --open'])
      expect(text).toContain(part);
    const steps = String(stepCount);
    expect(text).toMatch(new RegExp(`mt-rl/s0\\s+done\\s+${steps}/${steps}\\s+[▁▂▃▄▅▆▇█]{${steps}}`));
    const link = currentDetails(page).getByRole('link', { name: 'mt-rl/s0' });
    expect(await link.getAttribute('href')).toBe(`/namespaces/default/workflows/${encodeURIComponent(runId)}`);
    const studio = currentDetails(page).getByRole('link', { name: 'rollouts', exact: true });
    expect(await studio.getAttribute('href')).toBe(`${studioUrl}#/e/judge-7/rollouts`);
  });

  it('shows the code of a failure, its place and the allowed values', async () => {
    const text = await detailsOf(page, stack, 'judge-6');
    expect(text).toMatch(/failed · RECIPE_INVALID/);
    expect(text).toContain('seeds: found []; allowed: a list of at least 1');
  });
});

/** Starts an experiment as `mtrl run` does, with more metadata than a plain workflow start. */
async function started(stack: WholeStack, experimentId: string, recipe: RecipeInput): Promise<void> {
  const settings = { ...stack.settings, studioUrl };
  const store = openArtifactStore(settings.s3);
  await stack.withClient((client) =>
    startOrAttach({ settings, client, store }, { experimentId, recipe, parsed: parseRecipe(recipe) }),
  );
}

/** The UI stores the columns of a namespace in the browser; the first two are pinned. */
async function pageWithColumns(browser: Browser, namespace: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(20_000);
  const chosen = { [namespace]: columns.map((label, i) => ({ label, pinned: i < 2 })) };
  await page.addInitScript(`localStorage.setItem('namespace-workflow-table-columns', ${quoted(chosen)})`);
  return page;
}

function quoted(value: unknown): string {
  return JSON.stringify(JSON.stringify(value));
}

/** The text of the workflow's metadata on the page, once the worker has answered the query; each part is a frame. */
async function detailsOf(page: Page, stack: WholeStack, workflowId: string): Promise<string> {
  await page.goto(`${namespaceUrl(stack)}/workflows/${encodeURIComponent(workflowId)}`);
  await page.getByText('User Metadata').first().click();
  await currentDetails(page).getByText(' · ').first().waitFor();
  const frames = page.frames().filter((frame) => frame.parentFrame() !== null);
  const texts = await Promise.all(frames.map((frame) => frame.locator('body').innerText()));
  return texts.join('\n');
}

function currentDetails(page: Page): FrameLocator {
  return page.locator('iframe').last().contentFrame();
}

function namespaceUrl({ settings }: WholeStack): string {
  const { uiUrl = '', namespace } = settings.temporal;
  return `${uiUrl}/namespaces/${namespace}`;
}

async function record(page: Page, name: string): Promise<void> {
  if (recording) await page.screenshot({ path: join(projectRoot, 'docs', 'images', `${name}.png`) });
}
