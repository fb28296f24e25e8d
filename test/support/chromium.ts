/** A Chromium on this machine, for tests of pages. */
import { type Browser, chromium } from 'playwright-core';
import { locateOnPath } from '../../infra/binaries/locate.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** CHROMIUM_PATH, or a Chromium on PATH; undefined if there is none. */
export function findChromium(): string | undefined {
  return process.env['CHROMIUM_PATH'] ?? names.map((name) => locateOnPath(name)).find((path) => path !== undefined);
}

/** Makes no requests other than those of its pages. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
}
