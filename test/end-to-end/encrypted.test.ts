/**
 * A run whose payloads are encrypted: without the key, nothing of it can be read in Temporal's histories or the Web UI.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import proto from '@temporalio/proto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addKey } from '../../infra/payloads/key-ring.ts';
import { choosePorts } from '../../infra/stack/ports.ts';
import { launchChromium } from '../support/chromium.ts';
import { mtrlOn } from '../support/commands.ts';
import { compiled } from '../support/compiled.ts';
import { needChromium } from '../support/needs.ts';
import { tinyRecipe } from './tiny-recipe.ts';
import { WholeStack } from './whole-stack.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtrl-encrypted-'));
const [codecPort = 0] = await choosePorts([undefined]);
const keys = {
  MTRL_PAYLOAD_KEY_FILE: join(folder, 'keys.json'),
  MTRL_CODEC_ADDRESS: `127.0.0.1:${String(codecPort)}`,
};
addKey(keys.MTRL_PAYLOAD_KEY_FILE, Date.now());
const chromium = needChromium();

let stack: WholeStack;

beforeAll(async () => {
  stack = await WholeStack.start(keys);
});

afterAll(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('trains, and leaves no payload that can be read without the key', async () => {
  await stack.startExperiment('hidden', tinyRecipe({ sftStepCount: 2, grpoStepCount: 2 }));
  const { runs } = await stack.result('hidden');
  expect(runs).toHaveLength(3);

  for (const workflowId of ['hidden', ...runs.map(({ plan }) => `hidden/${plan.runName}`)]) {
    const history = await stack.withClient((client) => client.workflow.getHandle(workflowId).fetchHistory());
    const bytes = Buffer.from(proto.temporal.api.history.v1.History.encode(history).finish()).toString('latin1');
    expect(bytes.includes('binary/encrypted')).toBe(true);
    // Words of the recipe, of refs to artifacts and of results.
    const words = ['judge-world', 'is the picture sharp', 's3://', 'sha256', 'computeMs'];
    expect(
      words.filter((word) => bytes.includes(word)),
      workflowId,
    ).toEqual([]);
  }
});

it('shows the run to those who have the key, and names it to others', async () => {
  const shown = await mtrlOn(stack.home, ['status', 'hidden', '--json'], keys);
  expect(shown.code, shown.err).toBe(0);
  expect(shown.out).toContain('mt-rl');
  const refused = await mtrlOn(stack.home, ['status', 'hidden']);
  expect(refused.code).toBe(2);
  expect(refused.err).toContain('PAYLOAD_KEY_MISSING');
  // Garbage collection reads histories for what they still need: it must not take them for empty.
  const collected = await mtrlOn(stack.home, ['gc', '--dry-run']);
  expect(collected.err).toContain('PAYLOAD_KEY_MISSING');
});

describe.skipIf(chromium.isMissing)('the Web UI', () => {
  let browser: Browser;
  let page: Page;
  let server: ChildProcess | undefined;

  beforeAll(async () => {
    browser = await launchChromium(chromium.found ?? '');
    page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    page.setDefaultTimeout(120_000);
  });

  afterAll(async () => {
    server?.kill();
    await browser.close();
  });

  it('shows no input of a run without the codec server', async () => {
    const text = await inputShown(page, stack, 'encryption-cipher');
    expect(text).not.toContain('recipeName');
    await page.getByText('Codec Server could not connect').first().waitFor({ state: 'attached' });
  });

  it('shows the input through the codec server', async () => {
    server = await startCodecServer(stack.home);
    const text = await inputShown(page, stack, 'recipeName');
    expect(text).not.toContain('encryption-cipher');
  });
});

/** The text of a run's page once it shows the word. */
async function inputShown(page: Page, { settings }: WholeStack, word: string): Promise<string> {
  const { uiUrl = '', namespace } = settings.temporal;
  await page.goto(`${uiUrl}/namespaces/${namespace}/workflows/${encodeURIComponent('hidden/mt-rl/s0')}`);
  await page.getByText(word).first().waitFor();
  return page.locator('body').innerText();
}

/** Runs `mtrl codec-server`, and waits until it listens. */
async function startCodecServer(home: string): Promise<ChildProcess> {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [compiled('cli/main.ts'), 'codec-server'], {
    env: { PATH, HOME, MTRL_HOME: home, ...keys },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [said] = (await once(child.stderr, 'data')) as [Buffer];
  expect(said.toString()).toContain('decrypting for');
  return child;
}
