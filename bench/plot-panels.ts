/** Plots side by side as one SVG string without styles, which shows the same in every viewer. */
interface Drawn {
  readonly innerHTML: string;
}

/** @param panels what `Plot.plot` drew, each `width` x `height` pixels */
export function panelsSvg(panels: readonly unknown[], width: number, height: number): string {
  const placed = panels.map(
    (panel, i) =>
      `<g transform="translate(${String(i * width)} 0)" font-family="sans-serif" font-size="10">${(panel as Drawn).innerHTML}</g>`,
  );
  const whole = String(width * panels.length);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${whole}" height="${String(height)}" viewBox="0 0 ${whole} ${String(height)}"><rect width="100%" height="100%" fill="white"/>${placed.join('')}</svg>\n`;
  return svg
    .replace(/<style>[^]*?<\/style>/g, '')
    .replace(/\d+\.\d{3,}/g, (text) => String(Math.round(Number(text) * 100) / 100));
}
