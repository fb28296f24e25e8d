import { Screen } from './screen.ts';

const drawEveryMs = 250;

/** Draws the line if a redraw is due; its text is computed only then. */
export type ShowLine = (line: () => string) => void;

/** Runs `body` with a progress line on a terminal; elsewhere nothing is drawn. */
export async function withProgressLine<T>(body: (show: ShowLine) => Promise<T>): Promise<T> {
  if (!process.stderr.isTTY) return body(() => undefined);
  const screen = new Screen(process.stderr);
  let drawnAtMs = 0;
  try {
    return await body((line) => {
      if (Date.now() - drawnAtMs < drawEveryMs) return;
      drawnAtMs = Date.now();
      screen.draw([line()]);
    });
  } finally {
    screen.close();
  }
}
