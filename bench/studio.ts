/**
 * The studio on 100,000 rollouts with pictures: what its server takes for the first view, for pages, and for filters over
 * all steps, and what a browser shows of it when. The rollouts are made up; everything else is as a run leaves it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../artifacts/store/folder-object-store.ts';
import type { Json } from '../core/json.ts';
import { openLibrary } from '../studio/library.ts';
import { pathOf, type Values } from '../studio/query.ts';
import { serveStudio } from '../studio/server/serve-studio.ts';
import { findChromium } from '../test/support/chromium.ts';
import { median } from './statistics.ts';
import { browserFigures } from './studio-browser.ts';
import { id, makeExperiment, run, shape } from './studio-experiment.ts';

export async function bench(log: (line: string) => void): Promise<{ readonly [key: string]: Json }> {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-bench-studio-'));
  try {
    const store = new ArtifactStore(new FolderObjectStore(join(folder, 'store')), { cacheByteLengthMax: 0 });
    await makeExperiment(store);
    log('the experiment is made');
    const ofServer = await serverFigures(store, folder);
    log(JSON.stringify(ofServer));
    const chromium = findChromium();
    if (chromium === undefined) log('no Chromium on PATH or at CHROMIUM_PATH: the figures of a browser are left out');
    const browser = chromium === undefined ? null : await browserFigures(chromium, store, folder);
    return { rolloutCount: shape.stepCount * shape.promptCount * shape.groupSize, ...ofServer, browser };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function serverFigures(store: ArtifactStore, folder: string) {
  const before = process.memoryUsage().rss;
  const studio = await serveStudio(openLibrary(store, join(folder, 'tokenizers')), { port: 0 });
  const timed = async (paths: readonly string[]): Promise<number> => {
    const startedAtMs = performance.now();
    for (const path of paths) await (await fetch(new URL(path, studio.address))).arrayBuffer();
    return performance.now() - startedAtMs;
  };
  const path = (what = '', values: Values = {}) => pathOf(id, what, values);
  const firstViewMs = await timed(['/', '/studio.css', '/studio.js', '/api/settings', path()]);
  const curvesMs = await timed([path('curves')]);
  const pages = [];
  for (const step of [5, 50, 100, 150, 200, 250, 300]) pages.push(await timed([path('rollouts', { run, step })]));
  const tableMs = await timed([path('matches', { run })]);
  const filters = [];
  for (const filter of [
    { q: 'word7 .* word9' },
    { verdict: 'yes' },
    { reason: 'any' },
    { min: 0.5, q: 'word1' },
    { task: 'technical' },
  ])
    filters.push(await timed([path('rollouts', { run, ...filter })]));
  const counts = [];
  for (const filter of [{ q: 'word7 .* word9' }, { verdict: 'yes' }, { right: 'no' }])
    counts.push(await timed([path('matches', { run, ...filter })]));
  const serverMemoryGrowthByteLength = process.memoryUsage().rss - before;
  await studio.close();
  return {
    ...{ firstViewMs, curvesMs, pageMs: median(pages), pageMsMax: Math.max(...pages) },
    ...{ tableMs, filterMs: median(filters), filterMsMax: Math.max(...filters), countMs: median(counts) },
    serverMemoryGrowthByteLength,
  };
}
