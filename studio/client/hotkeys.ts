/** Keys that do something, and the list of them that `?` shows. */
import { useLayoutEffect } from 'preact/hooks';

export interface Hotkey {
  /** As `KeyboardEvent.key` names it. */
  readonly key: string;
  readonly meaning: string;
  readonly press: () => void;
}

const active = new Set<readonly Hotkey[]>();
/** Of the whole studio: they give way to those of a view, whichever was drawn last. */
export const everywhere = new Set<readonly Hotkey[]>();

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  for (const keys of [...everywhere, ...active].reverse()) {
    const hotkey = keys.find(({ key }) => key === event.key);
    if (hotkey === undefined) continue;
    event.preventDefault();
    hotkey.press();
    return;
  }
});

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input:not([type="checkbox"]), textarea, select');
}

/** Active while the widget is shown; those of a widget shown later come first. */
export function useHotkeys(keys: readonly Hotkey[], among = active): void {
  // With the page itself, not after it was painted: a key pressed in between would be lost.
  useLayoutEffect(() => {
    among.add(keys);
    return () => {
      among.delete(keys);
    };
  });
}

/** Each key once, with what it does now. */
export function activeHotkeys(): readonly Hotkey[] {
  const byKey = new Map<string, Hotkey>();
  for (const keys of [...everywhere, ...active]) for (const hotkey of keys) byKey.set(hotkey.key, hotkey);
  return [...byKey.values()].filter(({ meaning }) => meaning !== '');
}

/** `j`/`k` step through the elements that match, and scroll them into view. */
export function useSteps(selector: string): void {
  const step = (by: 1 | -1) => () => {
    const all = [...document.querySelectorAll<HTMLElement>(selector)];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const next = all[at < 0 ? (by === 1 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
    next?.focus();
    next?.scrollIntoView({ block: 'nearest' });
  };
  useHotkeys([
    { key: 'j', meaning: 'next row', press: step(1) },
    { key: 'k', meaning: 'row before', press: step(-1) },
  ]);
}
