/**
 * What headless Chromium shows of the studio when: from the beginning of a navigation, a choice or a typed letter until
 * the rows are in the page and the next frame begins. The server is another one than that of the other figures, so that
 * nothing has been read yet; the tables of all steps have been written.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import { openLibrary, type RunningExperiment, type RunningExperiments } from '../studio/library.ts';
import { serveStudio } from '../studio/server/serve-studio.ts';
import { parseRecipe } from '../recipes/load.ts';
import { progress, runProgress } from '../test/cli/made-up.ts';
import { tinyRecipe } from '../test/end-to-end/tiny-recipe.ts';
import { launchChromium } from '../test/support/chromium.ts';
import { median, rounded } from './statistics.ts';
import { id, run } from './studio-experiment.ts';

/** Of a run that goes on while its page is open. */
const liveId = 'live';
const liveStepCount = 10;
/** Pages of rows, each added to those before. */
const addedPageCount = 40;

/** In the page, as text: a loader adds helpers to functions that no page has. */
const watching = `
  globalThis.whenShown = (isShown) => new Promise((resolve) => {
    const observer = new MutationObserver(look);
    function look() {
      if (!isShown()) return;
      observer.disconnect();
      requestAnimationFrame(() => resolve(performance.now()));
    }
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    look();
  });
  globalThis.scoresShown = whenShown(() => document.querySelector('table.scores') !== null);
  globalThis.curvesShown = whenShown(() => document.querySelector('.chart polyline') !== null);
  globalThis.whenRead = async (act) => {
    let isReading = false;
    const since = performance.now();
    const shown = whenShown(() => {
      const waits = document.querySelector('.more button:disabled') !== null;
      const isOver = isReading && !waits;
      isReading ||= waits;
      return isOver;
    });
    act();
    return (await shown) - since;
  };
  globalThis.choose = (name, value) => {
    const field = [...document.querySelectorAll('.filters label')].find((label) => label.innerText.startsWith(name));
    const input = field.querySelector('select, input');
    input.value = value;
    input.dispatchEvent(new Event(input.tagName === 'SELECT' ? 'change' : 'input', { bubbles: true }));
  };
  globalThis.whenCurveChanges = async () => {
    const points = () => document.querySelector('.chart polyline')?.getAttribute('points');
    const before = points();
    await whenShown(() => points() !== before);
    return Date.now();
  };
`;

export async function browserFigures(executablePath: string, store: ArtifactStore, folder: string) {
  const live = new LiveRun(await store.putJson({ schema: 1 }));
  const studio = await serveStudio(openLibrary(store, folder, live), { port: 0 });
  const browser = await launchChromium(executablePath);
  try {
    const page = await browser.newPage({ viewport: { width: 1240, height: 860 } });
    page.setDefaultTimeout(120_000);
    await page.addInitScript(watching);
    const metrics = await page.context().newCDPSession(page);
    await metrics.send('Performance.enable');
    const heapMebibytes = async (): Promise<number> => {
      const { metrics: found } = await metrics.send('Performance.getMetrics');
      return (found.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? NaN) / 2 ** 20;
    };
    const timed = async (acts: readonly string[]): Promise<readonly number[]> => {
      const times: number[] = [];
      for (const act of acts) times.push(await page.evaluate<number>(`whenRead(() => { ${act} })`));
      return times;
    };

    await page.goto(`${studio.address}#/e/${id}/overview`);
    const firstViewMs = await page.evaluate<number>('scoresShown');
    const firstCurvesMs = await page.evaluate<number>('curvesShown');
    const heaps = [await heapMebibytes()];

    await page.goto(`${studio.address}#/e/${id}/rollouts?run=${encodeURIComponent(run)}&step=1`);
    await page.locator('.rollout').first().waitFor();
    const steps = await timed([5, 50, 100, 150, 200, 250, 300].map((step) => `location.hash = '${ofStep(step)}'`));
    // Over all steps from here on. The verdicts to choose from come with the count.
    await timed([`location.hash = '${ofStep(undefined)}'`]);
    await page.getByText('rollouts of the run').waitFor();
    const choices = ['yes', 'no', '?any', ''].map((verdict) => `choose('Verdict', '${verdict}')`);
    const tasks = ['technical', 'safety', ''].map((task) => `choose('Task', '${task}')`);
    const chosen = await timed([...choices, ...tasks]);
    const typed = await timed(
      ['word7 .* word9', 'word1', 'answer> yes', ''].map((text) => `choose('Text', '${text}')`),
    );
    heaps.push(await heapMebibytes());
    const toEnd = `scrollTo({ top: document.body.scrollHeight, behavior: 'instant' })`;
    const added = await timed(Array.from({ length: addedPageCount }, () => toEnd));
    const rowCount = await page.locator('.rollout').count();
    heaps.push(await heapMebibytes());

    const delays = await liveDelays(page, `${studio.address}#/e/${liveId}/overview`, live).catch((error: unknown) => {
      process.stderr.write(`live curves were not measured: ${String(error)}\n`);
      return undefined;
    });
    heaps.push(await heapMebibytes());
    return {
      ...{ firstViewMs: rounded(firstViewMs), firstCurvesMs: rounded(firstCurvesMs) },
      ...{ pageMs: ofTimes([...steps, ...added]), filterMs: ofTimes(chosen), typedFilterMs: ofTimes(typed) },
      ...{ rowCount, heapMebibytesMax: rounded(Math.max(...heaps)), liveDelayMs: delays ? ofTimes(delays) : null },
    };
  } finally {
    await browser.close();
    await studio.close();
  }
}

function ofStep(step: number | undefined): string {
  return `#/e/${id}/rollouts?run=${encodeURIComponent(run)}${step === undefined ? '' : `&step=${String(step)}`}`;
}

function ofTimes(times: readonly number[]) {
  return { median: rounded(median(times)), max: rounded(Math.max(...times)) };
}

/** From a step of the run until the curve of its reward has it. */
async function liveDelays(page: Page, address: string, live: LiveRun): Promise<number[]> {
  await page.goto(address);
  // A line of one point has no extent, so that it does not count as visible.
  await page.locator('.chart polyline').first().waitFor({ state: 'attached', timeout: 20_000 });
  const delays: number[] = [];
  for (let i = 0; i < liveStepCount; i++) {
    // At another moment between two looks of the server each time.
    await sleep(i * 100);
    const shown = page.evaluate<number>('whenCurveChanges()');
    const atMs = Date.now();
    live.step();
    delays.push((await shown) - atMs);
  }
  return delays;
}

/** A run whose steps end when they are told to. */
class LiveRun implements RunningExperiments {
  readonly #checkpoint: ArtifactRef;
  #step = 1;

  constructor(checkpoint: ArtifactRef) {
    this.#checkpoint = checkpoint;
  }

  step(): void {
    this.#step++;
  }

  list(): Promise<readonly RunningExperiment[]> {
    return Promise.resolve([this.#now()]);
  }

  find(experimentId: string): Promise<RunningExperiment | undefined> {
    return Promise.resolve(experimentId === liveId ? this.#now() : undefined);
  }

  recipeOf(): ReturnType<RunningExperiments['recipeOf']> {
    return Promise.resolve(parseRecipe(tinyRecipe({ sftStepCount: 1, grpoStepCount: 40 })));
  }

  #now(): RunningExperiment {
    const step = this.#step;
    const reward = (1 + Math.sin(step)) / 2;
    const last = { step: step - 1, reward, loss: 0, gradientNorm: 1, learningRate: 1e-4, cachedCount: 0 };
    const now = runProgress({ step, stepCount: 40, last, checkpoint: this.#checkpoint });
    return { experimentId: liveId, status: 'RUNNING', progress: progress([now], { experimentId: liveId, step }) };
  }
}
