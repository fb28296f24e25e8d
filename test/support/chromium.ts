/** A Chromium of this machine, for tests that look at pages. */
import { type Browser, chromium } from 'playwright-core';
import { locateOnPath } from '../../infra/binaries/locate.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** CHROMIUM_PATH, else one on PATH; undefined where there is none. */
export function findChromium(): string | undefined {
  return process.env['CHROMIUM_PATH'] ?? names.map((name) => locateOnPath(name)).find((path) => path !== undefined);
}

/** It asks nobody but the pages that it is sent to. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
}
